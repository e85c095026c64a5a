# The control experiment: the mini set without sound, trained and tested. Shows what vision alone achieves.
_base_ = './cavp_r18_mini.py'
train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
train_pipeline[1].silent = test_pipeline[1].silent = True
train_dataloader = dict(
    dataset=dict(datasets=[dict(d, pipeline=train_pipeline) for d in _base_.train_dataloader.dataset.datasets])
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

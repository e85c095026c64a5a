# The mini set with mono sound.
_base_ = './cavp_r18_mini.py'
train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
train_pipeline[1].channels = test_pipeline[1].channels = 1
model = dict(audio_backbone=dict(in_channels=1))
train_dataloader = dict(
    dataset=dict(datasets=[dict(d, pipeline=train_pipeline) for d in _base_.train_dataloader.dataset.datasets])
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

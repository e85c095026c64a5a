# VPO with mono sound: the same but for the channels.
_base_ = './vpo.py'
train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
tta_pipeline = _base_.tta_pipeline
train_pipeline[1].channels = test_pipeline[1].channels = tta_pipeline[1].channels = 1
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

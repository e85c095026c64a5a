# VPO with the middle second of mono audio, for VGGish, which takes no more than 0.96 s.
_base_ = './vpo.py'
load_audio = dict(_base_.load_audio, channels=1, duration=1.0)
train_pipeline = [_base_.load_frame, load_audio, _base_.load_annotations, *_base_.augmentation, _base_.pack]
test_pipeline = [_base_.load_frame, load_audio, _base_.load_annotations, _base_.pack]
tta_pipeline = [_base_.load_frame, load_audio, _base_.test_time_augmentation]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

# Figure 7 on the mini set: CAVP with mono audio.
_base_ = './cavp_r18_mini.py'
load_audio = dict(_base_.load_audio, channels=1)
train_pipeline = [_base_.load_frame, load_audio, _base_.load_annotations, *_base_.augmentation, _base_.pack]
test_pipeline = [_base_.load_frame, load_audio, _base_.load_annotations, _base_.pack]
tta_pipeline = [_base_.load_frame, load_audio, _base_.test_time_augmentation]
model = dict(audio_backbone=dict(in_channels=1))
train_dataloader = dict(
    dataset=dict(datasets=[dict(d, pipeline=train_pipeline) for d in _base_.train_dataloader.dataset.datasets])
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

_base_ = [
    '../_base_/models/cavp_r50.py',
    '../_base_/datasets/vpo_mono.py',
    '../_base_/schedules/vpo_80e.py',
    '../_base_/default_runtime.py',
]
model = dict(audio_backbone=dict(in_channels=1))
train_dataloader = dict(dataset=dict(subset='msmi'))
val_dataloader = dict(dataset=dict(subset='msmi'))
test_dataloader = dict(dataset=dict(subset='msmi'))

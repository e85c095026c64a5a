# With VGGish on mono audio, as on AVSBench.
_base_ = [
    '../_base_/models/tpavi_r50.py',
    '../_base_/datasets/vpo_mono_1s.py',
    '../_base_/schedules/tpavi_15e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(
        num_classes=_base_.num_classes,
        matching_loss=dict(type='AVMatchingLoss', reduction='mean', loss_weight=0.5),
    ),
)
train_dataloader = dict(dataset=dict(subset='msmi'))
val_dataloader = dict(dataset=dict(subset='msmi'))
test_dataloader = dict(dataset=dict(subset='msmi'))
max_epochs = 80
train_cfg = dict(max_epochs=max_epochs, val_interval=5)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]
auto_scale_lr = dict(base_batch_size=16)

# CAVP on the generated mini set, from scratch, for a CPU: shows in minutes that the method works.
_base_ = [
    '../_base_/models/cavp_r50.py', '../_base_/datasets/vpo_mini.py', '../_base_/schedules/vpo_80e.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=(112, 144)),
    backbone=dict(depth=18, stem_channels=24, base_channels=24, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2),
                  multi_grid=None, contract_dilation=False, init_cfg=None),
    neck=dict(in_channels=(24, 192), channels=72, low_level_channels=24, dilations=(1, 2, 4)),
    audio_backbone=dict(base_channels=16, out_channels=96),
    fusion=dict(in_channels=96, audio_channels=96, hidden_channels=96, mlp_ratio=2.),
    decode_head=dict(in_channels=96, channels=64, num_convs=1),
    contrast_loss=dict(max_views=128))
train_cfg = dict(max_epochs=40, val_interval=10)
optim_wrapper = dict(optimizer=dict(lr=0.02), paramwise_cfg=dict(head_lr_mult=5., audio_lr=1e-3))
param_scheduler = [
    dict(type='VisualPolyLR', power=0.9, eta_min=0., begin=0, end=40, by_epoch=True, convert_to_iter_based=True)
]

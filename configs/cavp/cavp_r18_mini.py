# CAVP on the generated mini set, from scratch, for a CPU: shows in minutes that the method works. Half of a ResNet-18's
# width and without its last stage, so small that the fusion has to be told where a pixel is; AdamW, which needs fewer
# steps from scratch than the SGD of the full configs.
_base_ = [
    '../_base_/models/cavp_r50.py',
    '../_base_/datasets/vpo_mini.py',
    '../_base_/schedules/vpo_80e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=(112, 144)),
    backbone=dict(
        depth=18,
        num_stages=3,
        stem_channels=24,
        base_channels=24,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(0, 1, 2),
        multi_grid=None,
        contract_dilation=False,
        init_cfg=None,
    ),
    neck=dict(in_channels=(24, 96), channels=48, low_level_channels=16, dilations=(1, 2, 4)),
    audio_backbone=dict(base_channels=16, out_channels=64),
    fusion=dict(in_channels=64, audio_channels=64, hidden_channels=64, mlp_ratio=2.0, position_encoding=True),
    decode_head=dict(
        in_channels=64,
        channels=48,
        num_convs=1,
        num_classes=9,
        # little of an image is covered by what sounds
        loss_decode=dict(class_weight=[0.7, *[1.0] * 8]),
    ),
    contrast_loss=dict(max_views=128, loss_weight=0.1),
)
max_epochs = 15
train_cfg = dict(max_epochs=max_epochs, val_interval=3)
optim_wrapper = dict(_delete_=True, type='OptimWrapper', optimizer=dict(type='AdamW', lr=3e-3, weight_decay=0.01))
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_epochs, by_epoch=True, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=8)

# TPAVI for the generated mini sets, for a CPU: ResNet-18 of 24 base channels without its last stage.
_base_ = './tpavi_r50.py'
model = dict(
    backbone=dict(
        type='ResNetV1c',
        depth=18,
        num_stages=3,
        stem_channels=24,
        base_channels=24,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(0, 1, 2),
        init_cfg=None,
    ),
    neck=dict(in_channels=(24, 48, 96), out_channels=64, dilations=(1, 2, 4)),
    audio_backbone=dict(
        _delete_=True,
        type='AudioResNet',
        depth=18,
        base_channels=16,
        out_channels=64,
        norm_cfg=_base_.norm_cfg,
    ),
    fusion=dict(in_channels=(64, 64, 64), audio_channels=64),
    decode_head=dict(in_channels=(64, 64, 64), in_index=(0, 1, 2), channels=64),
)

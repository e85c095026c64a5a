# AVSegFormer for the generated mini sets, for a CPU: ResNet-18 of 24 base channels without its last
# stage, and a transformer of two layers and 64 channels.
_base_ = './avsegformer_r50.py'
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
    audio_backbone=dict(
        _delete_=True,
        type='AudioResNet',
        depth=18,
        base_channels=16,
        out_channels=64,
        norm_cfg=_base_.norm_cfg,
    ),
    fusion=dict(
        in_channels=(24, 48, 96),
        channels=64,
        audio_channels=64,
        num_queries=16,
        num_layers=2,
        num_heads=4,
        ffn_channels=128,
        num_groups=8,
    ),
    decode_head=dict(in_channels=(64, 16), channels=64, hidden_channels=128),
)

# CAVP for the generated mini sets, from scratch, for a CPU: ResNet-18 of 24 base channels without its last stage. The
# receptive field of such a small network gives no information on the position of a pixel, hence the position encoding.
_base_ = './cavp_r50.py'
model = dict(
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
    decode_head=dict(in_channels=64, channels=48, num_convs=1),
    contrast_loss=dict(max_views=128, loss_weight=0.1),
)

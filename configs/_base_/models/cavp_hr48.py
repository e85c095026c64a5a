# CAVP with HRNetV2-W48: audio is fused into all four resolutions, and the contrastive loss reads the finest. The head
# concatenates them, as in mmseg's FCN on HRNet.
_base_ = './cavp_r50.py'
channels = [48, 96, 192, 384]
backbone = dict(
    _delete_=True,
    type='HRNet',
    norm_cfg=_base_.norm_cfg,
    norm_eval=False,
    extra=dict(
        stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(4,), num_channels=(64,)),
        stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(4, 4), num_channels=(48, 96)),
        stage3=dict(num_modules=4, num_branches=3, block='BASIC', num_blocks=(4, 4, 4), num_channels=(48, 96, 192)),
        stage4=dict(
            num_modules=3, num_branches=4, block='BASIC', num_blocks=(4, 4, 4, 4), num_channels=(48, 96, 192, 384)
        ),
    ),
    init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://msra/hrnetv2_w48'),
)
model = dict(
    backbone=backbone,
    neck=None,
    audio_backbone=dict(out_channels=256),
    fusion=dict(in_channels=channels, audio_channels=256),
    decode_head=dict(
        in_channels=channels,
        in_index=(0, 1, 2, 3),
        input_transform='resize_concat',
        channels=sum(channels),
        kernel_size=1,
        num_convs=1,
        dropout_ratio=-1,
    ),
)

# HRNet that hears: the small network of width 18, whose four resolutions are all fused with sound. Two heads of
# attention, since 18 channels can't be dealt out to four.
_base_ = [
    'mmseg::_base_/models/fcn_hr18.py',
    '../_base_/datasets/vpo_mini.py',
    '../_base_/schedules/mini_12e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='AVEncoderDecoder',
    data_preprocessor=dict(type='AVDataPreProcessor', num_frames=300, size=(112, 144)),
    pretrained=None,
    backbone=dict(
        extra=dict(
            stage1=dict(num_blocks=(2,)),
            stage2=dict(num_blocks=(2, 2)),
            stage3=dict(num_modules=3, num_blocks=(2, 2, 2)),
            stage4=dict(num_modules=2, num_blocks=(2, 2, 2, 2)),
        )
    ),
    audio_backbone=dict(type='AudioResNet', in_channels=2, base_channels=16, out_channels=64),
    fusion=dict(
        type='CrossAttentionFusion',
        in_channels=(18, 36, 72, 144),
        audio_channels=64,
        num_heads=2,
        hidden_channels=64,
    ),
    decode_head=dict(num_classes=9, loss_decode=dict(avg_non_ignore=True)),
)
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4),
)

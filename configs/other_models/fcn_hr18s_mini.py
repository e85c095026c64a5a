# Audio-visual HRNet: the small network of width 18, with audio fused into all four resolutions. Two attention heads,
# since 18 channels cannot be divided by four.
_base_ = [
    'mmseg::_base_/models/fcn_hr18.py',
    '../_base_/datasets/vpo_mini.py',
    '../_base_/schedules/mini_12e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='AVEncoderDecoder',
    data_preprocessor=dict(type='AVDataPreProcessor', size=_base_.crop_size),
    pretrained=None,
    backbone=dict(
        extra=dict(
            stage1=dict(num_blocks=(2,)),
            stage2=dict(num_blocks=(2, 2)),
            stage3=dict(num_modules=3, num_blocks=(2, 2, 2)),
            stage4=dict(num_modules=2, num_blocks=(2, 2, 2, 2)),
        )
    ),
    audio_backbone=dict(type='AudioResNet', in_channels=_base_.load_audio.channels, base_channels=16, out_channels=64),
    fusion=dict(
        type='CrossAttentionFusion',
        in_channels=(18, 36, 72, 144),
        audio_channels=64,
        num_heads=2,
        hidden_channels=64,
    ),
    decode_head=dict(num_classes=_base_.num_classes, loss_decode=dict(avg_non_ignore=True)),
)
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4),
)

# Audio-visual DeepLabV3+: audio is fused into the last two levels. The first level, from which the head takes details,
# stays visual.
_base_ = [
    'mmseg::_base_/models/deeplabv3plus_r50-d8.py',
    '../_base_/datasets/vpo_mini.py',
    '../_base_/schedules/mini_12e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='AVEncoderDecoder',
    data_preprocessor=dict(type='AVDataPreProcessor', size=_base_.crop_size),
    pretrained=None,
    backbone=dict(depth=18),
    audio_backbone=dict(type='AudioResNet', in_channels=_base_.load_audio.channels, base_channels=16, out_channels=64),
    fusion=dict(
        type='CrossAttentionFusion', in_channels=(256, 512), in_index=(2, 3), audio_channels=64, hidden_channels=64
    ),
    decode_head=dict(
        in_channels=512,
        channels=128,
        c1_in_channels=64,
        c1_channels=12,
        dilations=(1, 3, 6, 9),
        num_classes=_base_.num_classes,
        loss_decode=dict(avg_non_ignore=True),
    ),
    auxiliary_head=dict(
        in_channels=256, channels=64, num_classes=_base_.num_classes, loss_decode=dict(avg_non_ignore=True)
    ),
)
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4),
)

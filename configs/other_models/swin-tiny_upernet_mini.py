# Audio-visual Swin-T with UPerHead: audio is fused into the two coarse levels, and reaches the fine levels in the head.
# The auxiliary head reads one of the fused levels.
_base_ = [
    'mmseg::_base_/models/upernet_swin.py',
    '../_base_/datasets/vpo_mini.py',
    '../_base_/schedules/mini_12e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='AVEncoderDecoder',
    data_preprocessor=dict(type='AVDataPreProcessor', size=_base_.crop_size),
    audio_backbone=dict(type='AudioResNet', in_channels=_base_.load_audio.channels, base_channels=16, out_channels=64),
    fusion=dict(
        type='CrossAttentionFusion',
        in_channels=(384, 768),
        in_index=(2, 3),
        audio_channels=64,
        hidden_channels=64,
        position_encoding=True,
    ),
    decode_head=dict(channels=128, num_classes=_base_.num_classes, loss_decode=dict(avg_non_ignore=True)),
    auxiliary_head=dict(channels=64, num_classes=_base_.num_classes, loss_decode=dict(avg_non_ignore=True)),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(relative_position_bias_table=dict(decay_mult=0.0))))

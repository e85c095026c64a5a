# Audio-visual SegFormer: audio is fused into all four levels. CAVP's contrastive loss takes the finest of them, fused
# with original and with shuffled audio.
_base_ = [
    'mmseg::_base_/models/segformer_mit-b0.py',
    '../_base_/datasets/vpo_mini.py',
    '../_base_/schedules/mini_12e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='AVEncoderDecoder',
    data_preprocessor=dict(
        type='AVDataPreProcessor',
        size=_base_.crop_size,
        test_cfg=dict(size=(32, 32)),  # pads smaller images, which the network cannot take
    ),
    audio_backbone=dict(type='AudioResNet', in_channels=_base_.load_audio.channels, base_channels=16, out_channels=64),
    fusion=dict(
        type='CrossAttentionFusion',
        in_channels=(32, 64, 160, 256),
        audio_channels=64,
        hidden_channels=64,
        position_encoding=True,
    ),
    decode_head=dict(num_classes=_base_.num_classes, loss_decode=dict(avg_non_ignore=True)),
    contrast_loss=dict(type='CAVPLoss', max_views=128, loss_weight=0.1),
)

# SegFormer that hears: sound is fused into all four levels that its head reads, and CAVP's contrastive loss compares
# the finest of them with those of swapped sound.
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
        num_frames=300,
        size=(112, 144),
        test_cfg=dict(size=(32, 32)),  # pads smaller images, which the network can't take
    ),
    audio_backbone=dict(type='AudioResNet', in_channels=2, base_channels=16, out_channels=64),
    fusion=dict(
        type='CrossAttentionFusion',
        in_channels=(32, 64, 160, 256),
        audio_channels=64,
        hidden_channels=64,
        position_encoding=True,
    ),
    decode_head=dict(num_classes=9, loss_decode=dict(avg_non_ignore=True)),
    contrast_loss=dict(type='CAVPLoss', max_views=128, loss_weight=0.1),
)

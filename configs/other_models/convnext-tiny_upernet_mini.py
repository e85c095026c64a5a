# Audio-visual ConvNeXt-T with UPerHead. The backbone is timm's (pip install 'mmavs[timm]'); any network of timm with
# feature levels can be used in this way. The heads are those of mmseg's Swin-T, whose channels are the same.
_base_ = [
    'mmseg::_base_/models/upernet_swin.py',
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
    backbone=dict(
        _delete_=True,
        type='TIMMBackbone',
        model_name='convnext_tiny',
        pretrained=False,  # True downloads weights of ImageNet
        drop_path_rate=0.1,
    ),
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
optim_wrapper = dict(optimizer=dict(weight_decay=0.05))

# CAVP with ResNet-50: DeepLabV3+ features at stride 4 (output stride 8), cross-attention with sigmoid activation. The
# size of the images, the number of classes and the audio channels are those of the data: leaf configs add them.
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='AVEncoderDecoder',
    channels_last=True,  # faster convolutions
    data_preprocessor=dict(
        type='AVDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,  # after normalization: the mean color
        seg_pad_val=255,
    ),
    backbone=dict(
        type='ResNetV1c',
        depth=50,
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        multi_grid=(2, 4, 8),
        contract_dilation=True,
        norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c'),
    ),
    neck=dict(
        type='DeepLabV3PlusNeck', in_channels=(256, 2048), channels=256, low_level_channels=48, norm_cfg=norm_cfg
    ),
    audio_backbone=dict(type='AudioResNet', depth=18, out_channels=304, norm_cfg=norm_cfg),
    fusion=dict(
        type='CrossAttentionFusion',
        in_channels=304,
        audio_channels=304,
        num_heads=4,
        hidden_channels=256,
        activation='sigmoid',
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=304,
        in_index=0,
        channels=256,
        num_convs=2,
        concat_input=False,
        dropout_ratio=0,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0, avg_non_ignore=True),
    ),
    contrast_loss=dict(type='CAVPLoss', temperature=0.1, max_views=512),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)

# AVSegFormer with ResNet-50. The size of the images, the number of classes and the losses are those of the data: leaf
# configs add them.
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='AVEncoderDecoder',
    data_preprocessor=dict(
        type='AVDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,  # after normalization: the mean color
        seg_pad_val=255,
    ),
    backbone=dict(
        type='ResNet',
        depth=50,
        norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    audio_backbone=dict(type='VGGish', out_channels=128, frozen=True),
    fusion=dict(
        type='AVSegFormerFusion',
        in_channels=(256, 512, 1024, 2048),
        channels=256,
        audio_channels=128,
        num_queries=300,
        num_layers=6,
        num_heads=8,
        ffn_channels=2048,
    ),
    decode_head=dict(
        type='AVSegFormerHead',
        in_channels=(256, 300),
        in_index=(0, 1),
        channels=256,
        hidden_channels=2048,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0, avg_non_ignore=True),
        mask_loss=dict(type='FrameDiceLoss', loss_weight=0.1, loss_name='loss_mask'),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)

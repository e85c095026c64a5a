# TPAVI with ResNet-50: the audio of complete clips is fused at all four stages; the output has the size of
# the input. The size of the images, the number of classes and the losses are those of the data: leaf configs add them.
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
    neck=dict(type='TPAVINeck', in_channels=(256, 512, 1024, 2048), out_channels=256, dilations=(3, 6, 12, 18)),
    audio_backbone=dict(type='VGGish', out_channels=128, frozen=True),
    fusion=dict(type='TPAVIFusion', in_channels=(256, 256, 256, 256), audio_channels=128, norm_cfg=norm_cfg),
    decode_head=dict(
        type='TPAVIHead',
        in_channels=(256, 256, 256, 256),
        in_index=(0, 1, 2, 3),
        channels=256,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0, avg_non_ignore=True),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)

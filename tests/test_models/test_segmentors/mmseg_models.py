"""Tiny versions of mmseg's architectures, each fused with audio, for the shared checks of audio-visual models."""

from test_av_encoder_decoder import CLASSES, NORM, RESNET, head, model_cfg

FUSION = dict(type='CrossAttentionFusion', audio_channels=10, num_heads=2, hidden_channels=8, mlp_ratio=1.0)
VIT = dict(
    type='VisionTransformer',
    img_size=(32, 48),
    patch_size=16,
    embed_dims=16,
    num_layers=2,
    num_heads=2,
    mlp_ratio=2,
    out_indices=(0, 1),
    final_norm=True,
    with_cls_token=True,
)
CASCADE = dict(type='AVCascadeEncoderDecoder', num_stages=2)


def decode(type, **options):
    return dict(type=type, dropout_ratio=0, num_classes=CLASSES, norm_cfg=NORM, align_corners=False, **options)


def auxiliary(channels, index):
    return head(in_channels=channels, in_index=index)


def segmenter():
    decode_head = dict(
        type='SegmenterMaskTransformerHead',
        in_channels=16,
        channels=16,
        num_classes=CLASSES,
        num_layers=1,
        num_heads=2,
        embed_dims=16,
        dropout_ratio=0,
    )
    return model_cfg(VIT, decode_head, dict(in_channels=16, in_index=(-1,)))


def setr():
    neck = dict(type='MLANeck', in_channels=[16] * 4, out_channels=8, norm_cfg=NORM)
    decode_head = decode('SETRMLAHead', in_channels=(8,) * 4, in_index=(0, 1, 2, 3), channels=16, mla_channels=4)
    backbone = dict(VIT, num_layers=4, out_indices=(0, 1, 2, 3), with_cls_token=False)
    heads = [auxiliary(8, 0), auxiliary(8, -1)]
    return model_cfg(backbone, decode_head, dict(in_channels=(8,) * 4), neck=neck, auxiliary_head=heads)


def dpt():
    decode_head = decode(
        'DPTHead',
        in_channels=(16,) * 4,
        in_index=(0, 1, 2, 3),
        input_transform='multiple_select',
        channels=8,
        embed_dims=16,
        post_process_channels=[4, 4, 8, 8],
        readout_type='project',
    )
    backbone = dict(VIT, num_layers=4, out_indices=(0, 1, 2, 3), output_cls_token=True, final_norm=False)
    return model_cfg(backbone, decode_head, dict(in_channels=(16,) * 4))


def beit_upernet():
    backbone = dict(
        type='BEiT',
        img_size=(32, 48),
        patch_size=16,
        embed_dims=16,
        num_layers=4,
        num_heads=2,
        mlp_ratio=2,
        out_indices=(0, 1, 2, 3),
        qv_bias=True,
        init_values=0.1,
    )
    neck = dict(type='Feature2Pyramid', embed_dim=16, rescales=[4, 2, 1, 0.5], norm_cfg=NORM)
    decode_head = decode('UPerHead', in_channels=[16] * 4, in_index=[0, 1, 2, 3], pool_scales=(1, 2), channels=8)
    return model_cfg(backbone, decode_head, dict(in_channels=(16,) * 4), neck=neck, auxiliary_head=auxiliary(16, 2))


def bisenetv2():
    backbone = dict(
        type='BiSeNetV2',
        detail_channels=(8, 8, 16),
        semantic_channels=(8, 8, 8, 16),
        semantic_expansion_ratio=2,
        bga_channels=16,
        out_indices=(0, 1, 2, 3, 4),
        norm_cfg=NORM,
    )
    heads = [auxiliary(channels, i) for i, channels in enumerate((8, 8, 8, 16), start=1)]
    return model_cfg(
        backbone, head(in_channels=16, in_index=0), dict(in_channels=(16, 8, 8, 8, 16)), auxiliary_head=heads
    )


def stdc():
    backbone = dict(
        type='STDCContextPathNet',
        backbone_cfg=dict(
            type='STDCNet',
            stdc_type='STDCNet1',
            in_channels=3,
            channels=(8, 8, 16, 16, 32),
            bottleneck_type='cat',
            num_convs=4,
            norm_cfg=NORM,
            act_cfg=dict(type='ReLU'),
            with_final_conv=False,
        ),
        last_in_channels=(32, 16),
        out_channels=8,
        ffm_cfg=dict(in_channels=24, out_channels=16, scale_factor=4),
        norm_cfg=NORM,
    )
    boundary = dict(
        type='STDCHead',
        in_channels=16,
        in_index=0,
        channels=8,
        num_convs=1,
        num_classes=2,
        boundary_threshold=0.1,
        concat_input=False,
        norm_cfg=NORM,
        loss_decode=[
            dict(type='CrossEntropyLoss', loss_name='loss_ce', use_sigmoid=True),
            dict(type='DiceLoss', loss_name='loss_dice'),
        ],
    )
    return model_cfg(
        backbone,
        head(in_channels=16, in_index=3),
        dict(in_channels=(16, 8, 8, 16)),
        auxiliary_head=[auxiliary(8, 2), auxiliary(8, 1), boundary],
    )


def unet():
    backbone = dict(
        type='UNet',
        base_channels=4,
        num_stages=4,
        strides=(1,) * 4,
        enc_num_convs=(1,) * 4,
        dec_num_convs=(1,) * 3,
        downsamples=(True,) * 3,
        enc_dilations=(1,) * 4,
        dec_dilations=(1,) * 3,
        norm_cfg=NORM,
    )
    fusion = dict(in_channels=(8, 4), in_index=(2, 3))
    return model_cfg(backbone, head(in_channels=4, in_index=3), fusion, auxiliary_head=auxiliary(8, 2))


def danet():
    decode_head = decode('DAHead', in_channels=64, in_index=3, channels=8, pam_channels=4)
    fusion = dict(in_channels=(32, 64), in_index=(2, 3))
    return model_cfg(RESNET, decode_head, fusion, auxiliary_head=auxiliary(32, 2))


def encnet():
    decode_head = decode(
        'EncHead',
        in_channels=[16, 32, 64],
        in_index=(1, 2, 3),
        channels=8,
        num_codes=4,
        use_se_loss=True,
        add_lateral=True,
        loss_se_decode=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=0.2),
    )
    return model_cfg(RESNET, decode_head, dict(in_channels=(16, 32, 64), in_index=(1, 2, 3)))


def ocrnet():
    multiple = dict(in_channels=[32, 64], in_index=(2, 3), input_transform='resize_concat')
    heads = [
        decode('FCNHead', channels=8, num_convs=1, concat_input=False, **multiple),
        decode('OCRHead', channels=8, ocr_channels=8, **multiple),
    ]
    return {**model_cfg(RESNET, heads, dict(in_channels=(32, 64), in_index=(2, 3))), **CASCADE}


def pointrend():
    neck = dict(type='FPN', in_channels=[8, 16, 32, 64], out_channels=8, num_outs=4)
    backbone = dict(RESNET, strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1))
    coarse = decode('FPNHead', in_channels=[8] * 4, in_index=[0, 1, 2, 3], feature_strides=[4, 8, 16, 32], channels=8)
    point = dict(
        type='PointHead', in_channels=[8], in_index=[0], channels=8, num_fcs=2, dropout_ratio=0, num_classes=CLASSES
    )
    cfg = {**model_cfg(backbone, [coarse, point], dict(in_channels=(8,) * 4), neck=neck), **CASCADE}
    cfg['train_cfg'] = dict(num_points=64, oversample_ratio=3, importance_sample_ratio=0.75)
    cfg['test_cfg'] = dict(mode='whole', subdivision_steps=2, subdivision_num_points=64, scale_factor=2)
    return cfg


MMSEG_MODELS = [segmenter, setr, dpt, beit_upernet, bisenetv2, stdc, unet, danet, encnet, ocrnet, pointrend]

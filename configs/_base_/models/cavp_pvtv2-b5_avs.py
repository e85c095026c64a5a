# CAVP on AVSBench with PVT-v2-B5, timm's (pip install 'mmavs[timm]'): output stride 32.
_base_ = './cavp_r50_avs.py'
model = dict(
    data_preprocessor=dict(test_cfg=dict(size=(32, 32))),  # the least size that PVT takes
    backbone=dict(
        _delete_=True,
        type='TIMMBackbone',
        model_name='pvt_v2_b5',
        features_only=True,
        pretrained=True,  # downloads weights of ImageNet
    ),
    neck=dict(in_channels=(64, 512)),
)

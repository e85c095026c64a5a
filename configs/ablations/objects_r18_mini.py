# An image-only network that segments all objects of the mini set, sounding or not. Networks of the mini set start from
# its weights, as those of the paper start from weights of ImageNet.
_base_ = [
    '../_base_/models/cavp_r18_mini.py',
    '../_base_/datasets/mini_objects.py',
    '../_base_/schedules/mini_15e.py',
    '../_base_/default_runtime.py',
]
max_epochs = 6
model = dict(
    _delete_=True,
    type='EncoderDecoder',
    data_preprocessor=dict(_base_.model.data_preprocessor, type='SegDataPreProcessor', size=_base_.crop_size),
    backbone=_base_.model.backbone,
    neck=_base_.model.neck,
    # objects cover a small part of an image; without weights, some classes stay background in so short a training
    decode_head=dict(
        _base_.model.decode_head,
        num_classes=_base_.num_classes,
        loss_decode=dict(_base_.model.decode_head.loss_decode, class_weight=[0.3, *[1.0] * 8]),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]

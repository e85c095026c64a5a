# The floor: backbone, neck and head of CAVP without audio, as a model of mmseg. The pipelines do not load audio.
_base_ = '../cavp/cavp_r50-d16_1xb16-80e_avss-512x512.py'
model = dict(
    _delete_=True,
    type='EncoderDecoder',
    data_preprocessor=dict(_base_.model.data_preprocessor, type='SegDataPreProcessor'),
    backbone=_base_.model.backbone,
    neck=_base_.model.neck,
    decode_head=_base_.model.decode_head,
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
pack = dict(type='PackSegInputs')
train_pipeline = [_base_.load_frame, _base_.load_annotations, *_base_.augmentation, pack]
test_pipeline = [_base_.load_frame, _base_.load_annotations, pack]
tta_pipeline = [
    _base_.load_frame,
    dict(type='TestTimeAug', transforms=[_base_.tta_scales, _base_.tta_flips, [_base_.load_annotations], [pack]]),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

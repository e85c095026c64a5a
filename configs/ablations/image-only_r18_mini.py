# Control experiment: the network of cavp_r18_mini.py without audio, as a model of mmseg.
_base_ = '../cavp/cavp_r18_mini.py'
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
test_time_augmentation = dict(type='TestTimeAug', transforms=[*_base_.test_time_augmentation.transforms[:-1], [pack]])
train_pipeline = [_base_.load_frame, _base_.load_annotations, *_base_.augmentation, pack]
test_pipeline = [_base_.load_frame, _base_.load_annotations, pack]
tta_pipeline = [_base_.load_frame, test_time_augmentation]
train_dataloader = dict(
    dataset=dict(datasets=[dict(d, pipeline=train_pipeline) for d in _base_.train_dataloader.dataset.datasets])
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

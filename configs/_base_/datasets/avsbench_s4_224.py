# S4 at 224 x 224, the size of the published comparisons: images and masks are loaded and evaluated at this size.
_base_ = './avsbench_s4.py'
crop_size = (224, 224)
load_frame = dict(_base_.load_frame, size=crop_size)
load_annotations = dict(_base_.load_annotations, size=crop_size)
train_pipeline = [
    load_frame,
    _base_.load_audio,
    load_annotations,
    dict(type='AVRandomFlip', prob=0.5),
    _base_.pack,
]
test_pipeline = [load_frame, _base_.load_audio, load_annotations, _base_.pack]
tta_pipeline = [
    load_frame,
    _base_.load_audio,
    dict(type='TestTimeAug', transforms=[_base_.tta_scales, _base_.tta_flips, [load_annotations], [_base_.pack]]),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

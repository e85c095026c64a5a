# S4 at 224 x 224, the size of the published comparisons: images and masks are brought to it at once, and scored at it.
_base_ = './avsbench_s4.py'
size = (224, 224)
train_pipeline = [
    dict(type='LoadFrame', size=size),
    dict(type='LoadAudio', duration=1.0, channels=1),
    dict(type='LoadAVAnnotations', size=size),
    dict(type='AVRandomFlip', prob=0.5),
    dict(type='PackAVSegInputs'),
]
test_pipeline = _base_.test_pipeline
tta_pipeline = _base_.tta_pipeline
test_pipeline[0].size = test_pipeline[2].size = tta_pipeline[0].size = size
tta_pipeline[2].transforms[2][0].size = size
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

# The generated mini set (tools/dataset_converters/make_mini.py): small images with everything in sight, so that the
# stereo position of a source can be compared with the place of an object.
_base_ = './vpo.py'
data_root = 'data/mini'
train_pipeline = [
    dict(type='LoadFrame'),
    dict(type='LoadAudio', duration=3.0, channels=2),
    dict(type='LoadAVAnnotations'),
    dict(type='AVRandomFlip', prob=0.5),
    dict(type='ColorJitter', brightness=0.3, contrast=0.3, saturation=0.3, hue=0.05),
    dict(type='PackAVSegInputs'),
]
# eight of VPO's classes
metainfo = dict(classes=('background', 'airplane', 'bird', 'bus', 'car', 'cat', 'cow', 'dog', 'zebra'))
train_dataloader = dict(
    batch_size=8, num_workers=1, dataset=dict(pipeline=train_pipeline, data_root=data_root, metainfo=metainfo)
)
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(split='val', data_root=data_root, metainfo=metainfo),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(split='test', data_root=data_root, metainfo=metainfo),
)

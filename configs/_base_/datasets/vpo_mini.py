# The generated mini set (tools/dataset_converters/make_mini.py): small images with everything in sight, so that the
# stereo position of a source can be compared with the place of an object. Training also uses VPO-SS: from sounds that
# come alone a network learns where they come from.
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
train_set = dict(type='VPODataset', data_root=data_root, split='train', pipeline=train_pipeline, metainfo=metainfo)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[dict(subset='ss', **train_set), dict(subset='msmi', **train_set)],
    ),
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

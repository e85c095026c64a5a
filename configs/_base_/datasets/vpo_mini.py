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
train_dataloader = dict(batch_size=16, num_workers=1, dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(batch_size=16, num_workers=1, dataset=dict(data_root=data_root, split='val'))
test_dataloader = dict(batch_size=16, num_workers=1, dataset=dict(data_root=data_root, split='test'))

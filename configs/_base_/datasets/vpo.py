# VPO with stereo sound, 3 s, at original size. Leaf configs choose the subset: ss, ms or msmi.
dataset_type = 'VPODataset'
data_root = 'data/VPO'
crop_size = (512, 512)
train_pipeline = [
    dict(type='LoadFrame'),
    dict(type='LoadAudio', duration=3.0, channels=2),
    dict(type='LoadAVAnnotations'),
    dict(
        type='RandomChoice',
        transforms=[[dict(type='Resize', scale_factor=s)] for s in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)],
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='AVRandomFlip', prob=0.5),
    dict(type='ColorJitter', brightness=0.5, contrast=0.5, saturation=0.5, hue=0.25),
    dict(type='PackAVSegInputs'),
]
test_pipeline = [
    dict(type='LoadFrame'),
    dict(type='LoadAudio', duration=3.0, channels=2),
    dict(type='LoadAVAnnotations'),
    dict(type='PackAVSegInputs'),
]
tta_pipeline = [
    dict(type='LoadFrame'),
    dict(type='LoadAudio', duration=3.0, channels=2),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='Resize', scale_factor=s, keep_ratio=True) for s in (0.75, 1.0, 1.25)],
            [dict(type='AVRandomFlip', prob=0.0), dict(type='AVRandomFlip', prob=1.0)],
            [dict(type='LoadAVAnnotations')],
            [dict(type='PackAVSegInputs')],
        ],
    ),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type=dataset_type, data_root=data_root, subset='msmi', split='train', pipeline=train_pipeline),
)
# The released VPO has no validation set of its own.
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        subset='msmi',
        split=['test', 'val'],
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='DatasetLevelMetric')
test_evaluator = val_evaluator

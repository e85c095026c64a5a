# VPO as released, at original size, with 3 s of stereo audio. Leaf configs set the subset: ss, ms or msmi.
# The pipelines are listed from named steps, so that training, test and test-time augmentation load the same audio.
dataset_type = 'VPODataset'
data_root = 'data/VPO'
num_classes = 22
crop_size = (512, 512)
load_frame = dict(type='LoadFrame')
load_audio = dict(type='LoadAudio', duration=3.0, channels=2)
load_annotations = dict(type='LoadAVAnnotations')
pack = dict(type='PackAVSegInputs')
augmentation = [
    dict(
        type='RandomChoice',
        transforms=[[dict(type='Resize', scale_factor=s)] for s in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)],
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='AVRandomFlip', prob=0.5),
    dict(type='ColorJitter', brightness=0.5, contrast=0.5, saturation=0.5, hue=0.25),
]
test_time_augmentation = dict(
    type='TestTimeAug',
    transforms=[
        [dict(type='Resize', scale_factor=s, keep_ratio=True) for s in (0.75, 1.0, 1.25)],
        [dict(type='AVRandomFlip', prob=0.0), dict(type='AVRandomFlip', prob=1.0)],
        [load_annotations],
        [pack],
    ],
)
train_pipeline = [load_frame, load_audio, load_annotations, *augmentation, pack]
test_pipeline = [load_frame, load_audio, load_annotations, pack]
tta_pipeline = [load_frame, load_audio, test_time_augmentation]
train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type=dataset_type, data_root=data_root, subset='msmi', split='train', pipeline=train_pipeline),
)
# The released sets have no validation set: the best checkpoint is selected on the test set, `test` and `val` of
# the annotation file. For your own datasets with a `val` split, see vpo_own.py.
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

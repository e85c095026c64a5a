# AVSBench-Object with a single source (S4) at original size. Each frame has its own second of mono audio. In training
# only the first frame of a clip is annotated; methods for single frames use only this one.
# The pipelines are listed from named steps, so that training, test and test-time augmentation load the same audio.
dataset_type = 'AVSBenchObjectDataset'
data_root = 'data/AVSBench-object'
num_classes = 2
crop_size = (512, 512)
load_frame = dict(type='LoadFrame')
load_audio = dict(type='LoadAudio', duration=1.0, channels=1)
load_annotations = dict(type='LoadAVAnnotations')
pack = dict(type='PackAVSegInputs')
augmentation = [
    dict(type='RandomChoice', transforms=[[dict(type='Resize', scale_factor=s)] for s in (0.5, 0.75, 1.0)]),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='AVRandomFlip', prob=0.5),
]
tta_scales = [dict(type='Resize', scale_factor=s, keep_ratio=True) for s in (0.75, 1.0, 1.25)]
tta_flips = [dict(type='AVRandomFlip', prob=0.0), dict(type='AVRandomFlip', prob=1.0)]
train_pipeline = [load_frame, load_audio, load_annotations, *augmentation, pack]
test_pipeline = [load_frame, load_audio, load_annotations, pack]
tta_pipeline = [
    load_frame,
    load_audio,
    dict(type='TestTimeAug', transforms=[tta_scales, tta_flips, [load_annotations], [pack]]),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        subset='s4',
        split='train',
        annotated_only=True,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type, data_root=data_root, subset='s4', split='val', pipeline=test_pipeline, test_mode=True
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type, data_root=data_root, subset='s4', split='test', pipeline=test_pipeline, test_mode=True
    ),
)
# The results of both protocols have different names.
val_evaluator = [dict(type='DatasetLevelMetric'), dict(type='AVSBenchObjectMetric')]
test_evaluator = val_evaluator

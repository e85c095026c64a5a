# The generated AVSBench trees (tools/dataset_converters/make_mini_avsbench.py), S4: small frames with everything in
# sight, so that nothing is cropped or resized.
_base_ = './avsbench_s4.py'
data_root = 'data/mini-avsbench/AVSBench-object'
train_pipeline = [
    dict(type='LoadFrame'),
    dict(type='LoadAudio', duration=1.0, channels=1),
    dict(type='LoadAVAnnotations'),
    dict(type='AVRandomFlip', prob=0.5),
    dict(type='PackAVSegInputs'),
]
train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(batch_size=5, num_workers=1, dataset=dict(data_root=data_root))
test_dataloader = dict(batch_size=5, num_workers=1, dataset=dict(data_root=data_root))

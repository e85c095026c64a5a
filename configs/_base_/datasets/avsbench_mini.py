# The generated AVSBench trees (tools/dataset_converters/make_mini_avsbench.py), S4. The frames are small and are
# not cropped or resized.
_base_ = './avsbench_s4.py'
data_root = 'data/mini-avsbench/AVSBench-object'
crop_size = (112, 144)  # height and width of the frames
train_pipeline = [
    _base_.load_frame,
    _base_.load_audio,
    _base_.load_annotations,
    dict(type='AVRandomFlip', prob=0.5),
    _base_.pack,
]
train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(batch_size=5, num_workers=1, dataset=dict(data_root=data_root))
test_dataloader = dict(batch_size=5, num_workers=1, dataset=dict(data_root=data_root))

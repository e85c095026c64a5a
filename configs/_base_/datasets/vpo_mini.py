# The generated mini set (tools/dataset_converters/make_mini.py). Its images are small and are not cropped or resized,
# so that the stereo position of a source corresponds to the horizontal position of its object. Training also uses
# VPO-SS, whose recordings have a single source each.
_base_ = './vpo.py'
data_root = 'data/mini'
# eight of the 21 classes of VPO
metainfo = dict(classes=('background', 'airplane', 'bird', 'bus', 'car', 'cat', 'cow', 'dog', 'zebra'))
num_classes = 9
crop_size = (112, 144)  # height and width of the images
augmentation = [
    dict(type='AVRandomFlip', prob=0.5),
    dict(type='ColorJitter', brightness=0.3, contrast=0.3, saturation=0.3, hue=0.05),
]
train_pipeline = [_base_.load_frame, _base_.load_audio, _base_.load_annotations, *augmentation, _base_.pack]
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

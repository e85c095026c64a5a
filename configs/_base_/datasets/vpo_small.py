# A first run on a small VPO-style set of your own: images are resized to 224 x 224, mirrored in training and otherwise
# unchanged. Validation and test use the training images on purpose: the run shows that the data can be read and that
# the model can fit them. Its metrics do not apply to other images.
_base_ = './vpo.py'
evaluates_on_train = True  # tools/dataset_converters/check_dataset.py expects shared images
data_root = 'data/small'
crop_size = (224, 224)
resize = dict(type='Resize', scale=crop_size)
augmentation = [resize, dict(type='AVRandomFlip', prob=0.5)]
test_time_augmentation = dict(
    type='TestTimeAug',
    transforms=[
        [dict(type='Resize', scale=(s, s)) for s in (168, 224, 280)],
        [dict(type='AVRandomFlip', prob=0.0), dict(type='AVRandomFlip', prob=1.0)],
        [_base_.load_annotations],
        [_base_.pack],
    ],
)
train_pipeline = [_base_.load_frame, _base_.load_audio, _base_.load_annotations, *augmentation, _base_.pack]
test_pipeline = [_base_.load_frame, _base_.load_audio, resize, _base_.load_annotations, _base_.pack]
tta_pipeline = [_base_.load_frame, _base_.load_audio, test_time_augmentation]
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    drop_last=False,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(data_root=data_root, pipeline=train_pipeline),
)
val_dataloader = dict(num_workers=1, dataset=dict(data_root=data_root, split='train', pipeline=test_pipeline))
test_dataloader = dict(num_workers=1, dataset=dict(data_root=data_root, split='train', pipeline=test_pipeline))

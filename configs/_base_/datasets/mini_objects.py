# The images of the generated mini set with labels of all objects, sounding or not, in mmseg's layout, without audio.
_base_ = './vpo_mini.py'
dataset_type = 'BaseSegDataset'
data_root = 'data/mini/objects'
load_frame = dict(type='LoadImageFromFile')
load_annotations = dict(type='LoadAnnotations')
pack = dict(type='PackSegInputs')
augmentation = [dict(type='RandomFlip', prob=0.5), _base_.augmentation[1]]
train_pipeline = [load_frame, load_annotations, *augmentation, pack]
test_pipeline = [load_frame, load_annotations, pack]
test_time_augmentation = dict(
    type='TestTimeAug',
    transforms=[
        _base_.test_time_augmentation.transforms[0],
        [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
        [load_annotations],
        [pack],
    ],
)
tta_pipeline = [load_frame, test_time_augmentation]
common = dict(_delete_=True, type=dataset_type, data_root=data_root, metainfo=_base_.metainfo, seg_map_suffix='.png')
train_dataloader = dict(
    dataset=dict(data_prefix=dict(img_path='train', seg_map_path='train'), pipeline=train_pipeline, **common)
)
val_dataloader = dict(
    dataset=dict(data_prefix=dict(img_path='val', seg_map_path='val'), pipeline=test_pipeline, test_mode=True, **common)
)
test_dataloader = dict(
    dataset=dict(
        data_prefix=dict(img_path='test', seg_map_path='test'), pipeline=test_pipeline, test_mode=True, **common
    )
)

# A first run on a small VPO-style set of your own: ResNet-18 from scratch, images resized to 224 x 224, no
# augmentation but the mirror. Learns a handful of images by heart on a CPU, which shows that data and model fit.
_base_ = [
    '../_base_/models/cavp_r50.py',
    '../_base_/datasets/vpo.py',
    '../_base_/schedules/vpo_80e.py',
    '../_base_/default_runtime.py',
]
data_root = 'data/small'
model = dict(
    data_preprocessor=dict(size=(224, 224)),
    backbone=dict(
        depth=18, multi_grid=None, contract_dilation=False, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), init_cfg=None
    ),
    neck=dict(in_channels=(64, 512), channels=80, low_level_channels=48),
    audio_backbone=dict(base_channels=32, out_channels=128),
    fusion=dict(in_channels=128, audio_channels=128, hidden_channels=128),
    decode_head=dict(in_channels=128, channels=128),
    contrast_loss=dict(loss_weight=0.1),
)
train_pipeline = [
    dict(type='LoadFrame'),
    dict(type='LoadAudio', duration=3.0, channels=2),
    dict(type='LoadAVAnnotations'),
    dict(type='Resize', scale=(224, 224)),
    dict(type='AVRandomFlip', prob=0.5),
    dict(type='PackAVSegInputs'),
]
test_pipeline = [
    dict(type='LoadFrame'),
    dict(type='LoadAudio', duration=3.0, channels=2),
    dict(type='Resize', scale=(224, 224)),
    dict(type='LoadAVAnnotations'),
    dict(type='PackAVSegInputs'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    drop_last=False,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(data_root=data_root, pipeline=train_pipeline),
)
val_dataloader = dict(num_workers=1, dataset=dict(data_root=data_root, split='train', pipeline=test_pipeline))
test_dataloader = dict(num_workers=1, dataset=dict(data_root=data_root, split='train', pipeline=test_pipeline))
train_cfg = dict(_delete_=True, type='ExactIterBasedTrainLoop', max_iters=600, val_interval=100)
optim_wrapper = dict(optimizer=dict(lr=0.01), paramwise_cfg=dict(head_lr_mult=2.0))
param_scheduler = [dict(type='VisualPolyLR', power=0.9, eta_min=0.0, begin=0, end=600, by_epoch=False)]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=100), logger=dict(interval=10, log_metric_by_epoch=False))
log_processor = dict(by_epoch=False)
auto_scale_lr = dict(base_batch_size=4)

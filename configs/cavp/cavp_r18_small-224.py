# A first run on a small VPO-style set of your own, on a CPU: ResNet-18 from scratch overfits a few images, which shows
# that the data can be read and that the model can fit them. Validation and test use the training images on purpose.
_base_ = [
    '../_base_/models/cavp_r50.py',
    '../_base_/datasets/vpo_small.py',
    '../_base_/schedules/vpo_80e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        depth=18, multi_grid=None, contract_dilation=False, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), init_cfg=None
    ),
    neck=dict(in_channels=(64, 512), channels=80, low_level_channels=48),
    audio_backbone=dict(in_channels=_base_.load_audio.channels, base_channels=32, out_channels=128),
    fusion=dict(in_channels=128, audio_channels=128, hidden_channels=128),
    decode_head=dict(in_channels=128, channels=128, num_classes=_base_.num_classes),
    contrast_loss=dict(loss_weight=0.1),
)
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=600, val_interval=100)
optim_wrapper = dict(optimizer=dict(lr=0.01), paramwise_cfg=dict(head_lr_mult=2.0))
param_scheduler = [dict(type='VisualPolyLR', power=0.9, eta_min=0.0, begin=0, end=600, by_epoch=False)]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=100), logger=dict(interval=10, log_metric_by_epoch=False))
log_processor = dict(by_epoch=False)
env_cfg = dict(cudnn_benchmark=True)  # all images have one size
auto_scale_lr = dict(base_batch_size=4)

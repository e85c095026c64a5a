# 2 GPUs x 8 images; `tools/train.py --auto-scale-lr` scales the learning rates to other totals.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=80, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
# Visual parts: SGD, neck and head at ten times the learning rate. Audio network: Adam at a constant rate.
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='AVOptimWrapperConstructor',
    optimizer=dict(type='SGDAdam', lr=1e-3, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(head_lr_mult=10.0, audio_lr=1e-3),
)
param_scheduler = [
    dict(type='VisualPolyLR', power=0.9, eta_min=0.0, begin=0, end=80, by_epoch=True, convert_to_iter_based=True)
]
auto_scale_lr = dict(enable=False, base_batch_size=16)

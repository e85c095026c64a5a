# AVSBench-Object: 16 images per step, the backbone at half the learning rate.
_base_ = './vpo_80e.py'
max_epochs = 60
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(weight_decay=1e-4), paramwise_cfg=dict(backbone_lr_mult=0.5))
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]

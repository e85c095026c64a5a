# Beside Table 4, on the mini set: the floor, CAVP's network without audio, from the same start as the other rows.
_base_ = './image-only_r18_mini.py'
start = 'work_dirs/ablations/start/epoch_6.pth'
model = dict(
    backbone=dict(
        _base_.model.backbone,
        _delete_=True,
        init_cfg=dict(type='Pretrained', checkpoint=start, prefix='backbone.'),
    ),
    neck=dict(init_cfg=dict(type='Pretrained', checkpoint=start, prefix='neck.')),
    decode_head=dict(init_cfg=dict(type='Pretrained', checkpoint=start, prefix='decode_head.')),
)
max_epochs = 1
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1), neck=dict(lr_mult=0.1)))  # as in the other rows
)

# Table 4, last row, on the mini set: CAVP. All rows of the mini set start from one image-only network of all objects.
_base_ = '../cavp/cavp_r18_mini-start.py'
start = 'work_dirs/ablations/start/epoch_6.pth'
model = dict(
    backbone=dict(init_cfg=dict(checkpoint=start)),
    neck=dict(init_cfg=dict(checkpoint=start)),
    decode_head=dict(init_cfg=dict(checkpoint=start)),
)
max_epochs = 1
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]

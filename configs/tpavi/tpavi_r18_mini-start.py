# TPAVI on the mini set from an image-only network of all objects, see configs/ablations/objects_r18_mini.py. The
# backbone learns more slowly than the new layers.
_base_ = './tpavi_r18_mini.py'
start = dict(type='Pretrained', checkpoint='work_dirs/objects_r18_mini/epoch_6.pth', prefix='backbone.')
model = dict(backbone=dict(_base_.model.backbone, _delete_=True, init_cfg=start))
max_epochs = 7
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'audio_backbone': dict(lr_mult=1.0), 'backbone': dict(lr_mult=0.1)})
)

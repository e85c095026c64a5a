# CAVP on the mini set from an image-only network of all objects, see configs/ablations/objects_r18_mini.py. Its layers
# learn more slowly than the new ones.
_base_ = './cavp_r18_mini.py'
start = 'work_dirs/objects_r18_mini/epoch_6.pth'
model = dict(
    backbone=dict(
        _base_.model.backbone,
        _delete_=True,
        init_cfg=dict(type='Pretrained', checkpoint=start, prefix='backbone.'),
    ),
    neck=dict(init_cfg=dict(type='Pretrained', checkpoint=start, prefix='neck.')),
    decode_head=dict(init_cfg=dict(type='Pretrained', checkpoint=start, prefix='decode_head.')),
)
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={'audio_backbone': dict(lr_mult=1.0), 'backbone': dict(lr_mult=0.1), 'neck': dict(lr_mult=0.1)}
    )
)

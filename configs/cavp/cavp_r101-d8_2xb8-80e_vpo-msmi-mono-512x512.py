_base_ = './cavp_r50-d8_2xb8-80e_vpo-msmi-mono-512x512.py'
model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='open-mmlab://resnet101_v1c')))

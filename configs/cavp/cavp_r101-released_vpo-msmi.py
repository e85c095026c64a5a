_base_ = './cavp_r50-released_vpo-msmi.py'
model = dict(backbone=dict(depth=101))

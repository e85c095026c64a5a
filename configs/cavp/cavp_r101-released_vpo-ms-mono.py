_base_ = './cavp_r50-released_vpo-ms-mono.py'
model = dict(backbone=dict(depth=101))

_base_ = './cavp_r50-released_vpo-ms.py'
model = dict(backbone=dict(depth=101))

_base_ = './cavp_r50-released_avss.py'
model = dict(backbone=dict(depth=101))

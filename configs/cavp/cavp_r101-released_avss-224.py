_base_ = './cavp_r50-released_avss-224.py'
model = dict(backbone=dict(depth=101))

_base_ = './cavp_r50-released_avsbench-s4.py'
model = dict(backbone=dict(depth=101))

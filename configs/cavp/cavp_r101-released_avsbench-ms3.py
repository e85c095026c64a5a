_base_ = './cavp_r50-released_avsbench-ms3.py'
model = dict(backbone=dict(depth=101))

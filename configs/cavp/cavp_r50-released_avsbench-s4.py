# The network of the released checkpoint.
_base_ = './cavp_r50_avsbench-s4.py'
model = dict(backbone=dict(stem_channels=128, init_cfg=None))

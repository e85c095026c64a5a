_base_ = './cavp_r50-released_vpo-ss-mono.py'
model = dict(backbone=dict(depth=101))

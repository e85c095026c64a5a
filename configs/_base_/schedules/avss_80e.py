# AVSBench-Semantic: 16 images per step.
_base_ = './vpo_80e.py'
optim_wrapper = dict(optimizer=dict(weight_decay=1e-4))

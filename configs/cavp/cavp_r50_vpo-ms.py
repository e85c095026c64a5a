_base_ = [
    '../_base_/models/cavp_r50.py',
    '../_base_/datasets/vpo.py',
    '../_base_/schedules/vpo_80e.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(dataset=dict(subset='ms'))
val_dataloader = dict(dataset=dict(subset='ms'))
test_dataloader = dict(dataset=dict(subset='ms'))

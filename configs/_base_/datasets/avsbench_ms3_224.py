# MS3 at 224 x 224, the size of the published comparisons.
_base_ = './avsbench_s4_224.py'
train_dataloader = dict(dataset=dict(subset='ms3'))
val_dataloader = dict(dataset=dict(subset='ms3'))
test_dataloader = dict(dataset=dict(subset='ms3'))

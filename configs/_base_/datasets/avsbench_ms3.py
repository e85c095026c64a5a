# AVSBench-Object with multiple sources (MS3) at original size: every frame is annotated.
_base_ = './avsbench_s4.py'
train_dataloader = dict(dataset=dict(subset='ms3'))
val_dataloader = dict(dataset=dict(subset='ms3'))
test_dataloader = dict(dataset=dict(subset='ms3'))

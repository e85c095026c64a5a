# MS3 at 224 x 224 in complete clips of 5 frames.
_base_ = './avsbench_s4_224_clips.py'
train_dataloader = dict(dataset=dict(subset='ms3'))
val_dataloader = dict(dataset=dict(subset='ms3'))
test_dataloader = dict(dataset=dict(subset='ms3'))

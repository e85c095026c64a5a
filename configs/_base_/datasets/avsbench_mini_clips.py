# The generated S4 in complete clips of 5 frames, for temporal models. Training takes 4 clips a batch; the
# loss ignores the frames without annotation.
_base_ = './avsbench_mini.py'
train_dataloader = dict(
    batch_size=20,
    drop_last=False,  # the batch sampler decides
    sampler=dict(type='ClipSampler', shuffle=True),
    batch_sampler=dict(type='ClipBatchSampler', drop_last=True),
    dataset=dict(annotated_only=False),
)
val_dataloader = dict(
    batch_size=5,
    sampler=dict(type='ClipSampler', shuffle=False),
    batch_sampler=dict(type='ClipBatchSampler'),
)
test_dataloader = dict(
    batch_size=5,
    sampler=dict(type='ClipSampler', shuffle=False),
    batch_sampler=dict(type='ClipBatchSampler'),
)

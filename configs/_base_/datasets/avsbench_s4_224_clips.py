# S4 at 224 x 224 in complete clips of 5 frames, for temporal models. Training takes 4 clips a batch. The
# loss ignores the frames without annotation.
_base_ = './avsbench_s4_224.py'
train_dataloader = dict(
    batch_size=20,
    drop_last=False,  # set in the batch sampler
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

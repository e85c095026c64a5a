# AVSBench-Semantic at 224 x 224 in complete clips. A batch has clips of one length: 4 of 10 frames or 8 of 5 in
# training, 1 or 2 at test.
_base_ = './avss_224.py'
train_dataloader = dict(
    batch_size=40,
    drop_last=False,  # set in the batch sampler
    sampler=dict(type='ClipSampler', shuffle=True),
    batch_sampler=dict(type='ClipBatchSampler', drop_last=True),
    dataset=dict(annotated_only=False),
)
val_dataloader = dict(
    batch_size=10,
    sampler=dict(type='ClipSampler', shuffle=False),
    batch_sampler=dict(type='ClipBatchSampler'),
)
test_dataloader = dict(
    batch_size=10,
    sampler=dict(type='ClipSampler', shuffle=False),
    batch_sampler=dict(type='ClipBatchSampler'),
)

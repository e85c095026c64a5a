# AVSBench-Semantic at original size in complete clips; frames of a clip are scaled, cropped and mirrored alike. A batch
# has one clip of 10 frames or two of 5 in training, and one clip at test, since clips differ in size.
_base_ = './avss.py'
train_dataloader = dict(
    batch_size=10,
    drop_last=False,  # set in the batch sampler
    sampler=dict(type='ClipSampler', shuffle=True),
    batch_sampler=dict(type='ClipBatchSampler', drop_last=True),
    dataset=dict(annotated_only=False),
)
val_dataloader = dict(
    batch_size=10,
    sampler=dict(type='ClipSampler', shuffle=False),
    batch_sampler=dict(type='ClipBatchSampler', one_clip=True),
)
test_dataloader = dict(
    batch_size=10,
    sampler=dict(type='ClipSampler', shuffle=False),
    batch_sampler=dict(type='ClipBatchSampler', one_clip=True),
)

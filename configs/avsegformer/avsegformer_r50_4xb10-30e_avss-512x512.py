_base_ = [
    '../_base_/models/avsegformer_r50.py',
    '../_base_/datasets/avss_clips.py',
    '../_base_/schedules/avsegformer_30e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(
        num_classes=_base_.num_classes,
    ),
)
auto_scale_lr = dict(base_batch_size=40)

# VPO-MSMI built with tools/dataset_converters/build_vpo.py: selects the best checkpoint on `val`, reports on `test`.
_base_ = [
    '../_base_/models/cavp_r50.py',
    '../_base_/datasets/vpo_own.py',
    '../_base_/schedules/vpo_80e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    audio_backbone=dict(in_channels=_base_.load_audio.channels),
    decode_head=dict(num_classes=_base_.num_classes),
)

# TPAVI on the generated mini set, from scratch, for a CPU.
_base_ = [
    '../_base_/models/tpavi_r18_mini.py',
    '../_base_/datasets/vpo_mini.py',
    '../_base_/schedules/mini_15e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    audio_backbone=dict(in_channels=_base_.load_audio.channels),
    # sounding objects cover a small part of an image
    decode_head=dict(
        num_classes=_base_.num_classes,
        loss_decode=dict(class_weight=[0.7, *[1.0] * 8]),
        matching_loss=dict(type='AVMatchingLoss', reduction='mean', loss_weight=0.5),
    ),
)

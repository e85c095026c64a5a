# TPAVI on the generated S4, from scratch, for a CPU, with half of the channels of tpavi_r18_mini.py.
_base_ = [
    '../_base_/models/tpavi_r18_mini.py',
    '../_base_/datasets/avsbench_mini_clips.py',
    '../_base_/schedules/mini_15e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    audio_backbone=dict(in_channels=_base_.load_audio.channels),
    neck=dict(out_channels=32),
    fusion=dict(in_channels=(32, 32, 32)),
    decode_head=dict(
        in_channels=(32, 32, 32),
        channels=32,
        num_classes=_base_.num_classes,
        out_channels=1,
        threshold=0.5,
        # of the foreground, since sounding objects cover a small part of a frame
        loss_decode=dict(use_sigmoid=True, class_weight=[5.0]),
    ),
)
max_epochs = 8
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]
auto_scale_lr = dict(base_batch_size=20)

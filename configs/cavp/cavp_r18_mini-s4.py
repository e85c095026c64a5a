# CAVP on the generated S4, from scratch, for a CPU.
_base_ = [
    '../_base_/models/cavp_r18_mini.py',
    '../_base_/datasets/avsbench_mini.py',
    '../_base_/schedules/mini_15e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    audio_backbone=dict(in_channels=_base_.load_audio.channels),
    # sounding objects cover a small part of a frame: without class weights, every pixel is predicted as background
    decode_head=dict(num_classes=_base_.num_classes, loss_decode=dict(class_weight=[0.2, 1.0])),
)

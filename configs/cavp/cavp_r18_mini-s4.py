# CAVP on the generated S4, from scratch, for a CPU.
_base_ = [
    '../_base_/models/cavp_r18_mini.py',
    '../_base_/datasets/avsbench_mini.py',
    '../_base_/schedules/mini_15e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(num_frames=96),
    audio_backbone=dict(in_channels=1),
    # little of a frame is covered by what sounds: without weights all would become background
    decode_head=dict(num_classes=2, loss_decode=dict(class_weight=[0.2, 1.0])),
)

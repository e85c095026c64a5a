# CAVP as on AVSBench: output stride 16, and VGGish on one second of mono sound. AVSBench-Semantics has 71 classes.
_base_ = './cavp_r50.py'
model = dict(
    data_preprocessor=dict(num_frames=96),
    backbone=dict(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)),
    audio_backbone=dict(_delete_=True, type='VGGish', out_channels=304),
    decode_head=dict(num_classes=71),
)

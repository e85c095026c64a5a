# CAVP as on AVSBench: output stride 16, VGGish on one second of mono audio.
_base_ = './cavp_r50.py'
model = dict(
    backbone=dict(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)),
    audio_backbone=dict(_delete_=True, type='VGGish', out_channels=304),
)

# Beyond the paper: the level difference of left and right as a third channel of the log-mel spectrogram.
_base_ = '../cavp/cavp_r50-d8_2xb8-80e_vpo-msmi-512x512.py'
model = dict(data_preprocessor=dict(level_difference=True), audio_backbone=dict(in_channels=3))

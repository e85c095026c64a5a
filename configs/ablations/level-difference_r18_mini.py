# Beyond the paper, on the mini set: the level difference of left and right as a third channel.
_base_ = './cavp_r18_mini.py'
model = dict(data_preprocessor=dict(level_difference=True), audio_backbone=dict(in_channels=3))

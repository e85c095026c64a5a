# Figure 6, on the mini set: an audio query weights the channels of the visual feature.
_base_ = './cavp_r18_mini.py'
model = dict(fusion=dict(activation='channel'))

# Figure 6: an audio query weights the channels of the visual feature, as in AVSegFormer.
_base_ = '../cavp/cavp_r50-d16_1xb16-80e_avss-512x512.py'
model = dict(fusion=dict(activation='channel'))

# Beside Figure 6: softmax over the pixels of an image.
_base_ = '../cavp/cavp_r50-d16_1xb16-80e_avss-512x512.py'
model = dict(fusion=dict(activation='softmax_pixels'))

# Beside Figure 6, on the mini set: softmax over the pixels of an image.
_base_ = './cavp_r18_mini.py'
model = dict(fusion=dict(activation='softmax_pixels'))

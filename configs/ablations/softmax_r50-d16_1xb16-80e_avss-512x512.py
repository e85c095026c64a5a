# Figure 6: softmax over the audio tokens. With one token, as here, all weights are constantly 1.
_base_ = '../cavp/cavp_r50-d16_1xb16-80e_avss-512x512.py'
model = dict(fusion=dict(activation='softmax'))

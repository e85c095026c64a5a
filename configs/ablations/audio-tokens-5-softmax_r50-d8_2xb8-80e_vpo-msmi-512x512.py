# Beyond the paper: five audio tokens over time, and softmax over them, which is constant with a single token.
_base_ = '../cavp/cavp_r50-d8_2xb8-80e_vpo-msmi-512x512.py'
model = dict(audio_backbone=dict(num_tokens=5), fusion=dict(activation='softmax'))

# Beyond the paper, on the mini set: five audio tokens over time instead of one.
_base_ = './cavp_r18_mini.py'
model = dict(audio_backbone=dict(num_tokens=5))

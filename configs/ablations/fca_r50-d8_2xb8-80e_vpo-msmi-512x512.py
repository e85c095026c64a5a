# Table 4, row 2: f_CA without a contrastive loss.
_base_ = '../cavp/cavp_r50-d8_2xb8-80e_vpo-msmi-512x512.py'
model = dict(contrast_loss=None)

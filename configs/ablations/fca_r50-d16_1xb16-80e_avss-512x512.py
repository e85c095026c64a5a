# Table 4, row 2: f_CA without a contrastive loss.
_base_ = '../cavp/cavp_r50-d16_1xb16-80e_avss-512x512.py'
model = dict(contrast_loss=None)

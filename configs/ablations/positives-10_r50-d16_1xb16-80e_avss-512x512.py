# Table 5: 10 % positive and 90 % negative samples in Eq. 4.
_base_ = '../cavp/cavp_r50-d16_1xb16-80e_avss-512x512.py'
model = dict(contrast_loss=dict(positive_share=0.1))

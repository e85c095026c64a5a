# Table 4, row 3: f_CA with the supervised contrastive loss of Khosla et al. on original pairs.
_base_ = '../cavp/cavp_r50-d16_1xb16-80e_avss-512x512.py'
model = dict(contrast_loss=dict(type='SupConLoss'))

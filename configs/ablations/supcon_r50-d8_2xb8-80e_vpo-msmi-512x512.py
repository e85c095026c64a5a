# Table 4, row 3: f_CA with the supervised contrastive loss of Khosla et al. on original pairs.
_base_ = '../cavp/cavp_r50-d8_2xb8-80e_vpo-msmi-512x512.py'
model = dict(contrast_loss=dict(type='SupConLoss'))

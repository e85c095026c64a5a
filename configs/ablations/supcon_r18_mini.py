# Table 4, row 3, on the mini set: f_CA with the supervised contrastive loss of Khosla et al. on original pairs.
_base_ = './cavp_r18_mini.py'
model = dict(contrast_loss=dict(type='SupConLoss'))

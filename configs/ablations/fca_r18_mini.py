# Table 4, row 2, on the mini set: f_CA without a contrastive loss.
_base_ = './cavp_r18_mini.py'
model = dict(contrast_loss=None)

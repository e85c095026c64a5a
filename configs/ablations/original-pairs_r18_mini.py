# Beside Table 4, on the mini set: Eq. 4 of the paper on original pairs only.
_base_ = './cavp_r18_mini.py'
model = dict(contrast_loss=dict(type='OriginalPairsLoss'))

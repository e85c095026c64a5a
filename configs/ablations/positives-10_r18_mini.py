# Table 5, on the mini set: 10 % positive and 90 % negative samples in Eq. 4.
_base_ = './cavp_r18_mini.py'
model = dict(contrast_loss=dict(positive_share=0.1))

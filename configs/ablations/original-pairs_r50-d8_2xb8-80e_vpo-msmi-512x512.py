# Beside Table 4: Eq. 4 of the paper on original pairs only, CAVP without its shuffled pairs.
_base_ = '../cavp/cavp_r50-d8_2xb8-80e_vpo-msmi-512x512.py'
model = dict(contrast_loss=dict(type='OriginalPairsLoss'))

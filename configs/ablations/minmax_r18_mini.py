# Figure 6, on the mini set: the products of query and key, scaled to [0, 1] over the pixels of an image.
_base_ = './cavp_r18_mini.py'
model = dict(fusion=dict(activation='minmax'))

# CAVP on the generated MS3.
_base_ = './cavp_r18_mini-s4.py'
train_dataloader = dict(dataset=dict(subset='ms3'))
val_dataloader = dict(dataset=dict(subset='ms3'))
test_dataloader = dict(dataset=dict(subset='ms3'))

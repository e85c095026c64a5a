# A short training on the mini set, for `make demo`.
_base_ = './cavp_r18_mini.py'
max_epochs = 6
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]

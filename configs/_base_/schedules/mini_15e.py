# The mini sets from scratch: AdamW, which needs fewer steps than the SGD of the paper configs.
_base_ = './vpo_80e.py'
max_epochs = 15
train_cfg = dict(max_epochs=max_epochs, val_interval=3)
optim_wrapper = dict(_delete_=True, type='OptimWrapper', optimizer=dict(type='AdamW', lr=3e-3, weight_decay=0.01))
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_epochs, by_epoch=True, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=8)

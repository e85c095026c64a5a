# Figure 7 on the mini set: CAVP with stereo audio on VPO-SS.
_base_ = './cavp_r18_mini.py'
train_dataloader = dict(
    dataset=dict(datasets=[dict(d, subset='ss') for d in _base_.train_dataloader.dataset.datasets[:1]])
)
val_dataloader = dict(dataset=dict(subset='ss'))
test_dataloader = dict(dataset=dict(subset='ss'))
max_epochs = 2  # half as many samples as with both sets
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]

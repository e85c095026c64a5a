# CAVP on VPO-SS and VPO-MS of the mini set, for `make demo`. It starts from an image-only network of all objects, see
# configs/ablations/objects_r18_mini.py, whose layers learn more slowly than the new ones.
_base_ = './cavp_r18_mini-start.py'
max_epochs = 7
ss, msmi = _base_.train_dataloader.dataset.datasets
model = dict(decode_head=dict(loss_decode=dict(class_weight=[0.5, *[1.0] * 8])))
train_dataloader = dict(dataset=dict(datasets=[ss, dict(msmi, subset='ms')]))
val_dataloader = dict(dataset=dict(subset='ms'))
test_dataloader = dict(dataset=dict(subset='ms'))
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [dict(_base_.param_scheduler[0], end=max_epochs)]

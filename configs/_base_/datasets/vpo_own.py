# VPO sets built by tools/dataset_converters/build_vpo.py: the best checkpoint is selected on `val`, and the results are
# those of `test`.
_base_ = './vpo.py'
val_dataloader = dict(dataset=dict(split='val'))
test_dataloader = dict(dataset=dict(split='test'))

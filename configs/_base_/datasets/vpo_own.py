# VPO sets of your own, as tools/dataset_converters/build_vpo.py writes them: the best checkpoint is chosen on `val`,
# the results are those of `test`.
_base_ = './vpo.py'
val_dataloader = dict(dataset=dict(split='val'))
test_dataloader = dict(dataset=dict(split='test'))

# MS3 with the masks of AVSBench-Semantic, part v1m with all classes as one, as the authors of the paper trained and
# tested for Table 1. Its label noise affects the figures; avsbench-ms3 has the masks of AVSBench-Object.
_base_ = './cavp_r50-d16_1xb16-60e_avss-v1s-binary-224x224.py'
subset = dict(subsets=('v1m',))
train_dataloader = dict(dataset=subset)
val_dataloader = dict(dataset=subset)
test_dataloader = dict(dataset=subset)

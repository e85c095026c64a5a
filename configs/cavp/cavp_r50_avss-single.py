# For testing a model that was trained on all of AVSBench-Semantic on its single-source part (Table 2).
_base_ = './cavp_r50_avss.py'
val_dataloader = dict(dataset=dict(subsets=('v1s',)))
test_dataloader = dict(dataset=dict(subsets=('v1s',)))

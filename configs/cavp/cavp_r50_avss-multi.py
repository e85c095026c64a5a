# For testing a model that was trained on all of AVSBench-Semantic on its multi-source part (Table 2): all that is not
# single-source, since the two partition the set.
_base_ = './cavp_r50_avss.py'
val_dataloader = dict(dataset=dict(subsets=('v1m', 'v2')))
test_dataloader = dict(dataset=dict(subsets=('v1m', 'v2')))

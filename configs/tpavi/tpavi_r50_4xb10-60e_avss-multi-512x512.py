# Tests a model that was trained on all of AVSBench-Semantic on its multi-source part (Table 2).
_base_ = './tpavi_r50_4xb10-60e_avss-512x512.py'
val_dataloader = dict(dataset=dict(subsets=('v1m', 'v2')))
test_dataloader = dict(dataset=dict(subsets=('v1m', 'v2')))

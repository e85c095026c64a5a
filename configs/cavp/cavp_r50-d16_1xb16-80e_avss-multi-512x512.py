# Tests a model that was trained on all of AVSBench-Semantic on its multi-source part (Table 2): v1m and v2, which are
# all clips that are not in v1s.
_base_ = './cavp_r50-d16_1xb16-80e_avss-512x512.py'
val_dataloader = dict(dataset=dict(subsets=('v1m', 'v2')))
test_dataloader = dict(dataset=dict(subsets=('v1m', 'v2')))

# Tests a model that was trained on all of AVSBench-Semantic on its single-source part (Table 2).
_base_ = './avsegformer_r50_4xb10-30e_avss-512x512.py'
val_dataloader = dict(dataset=dict(subsets=('v1s',)))
test_dataloader = dict(dataset=dict(subsets=('v1s',)))

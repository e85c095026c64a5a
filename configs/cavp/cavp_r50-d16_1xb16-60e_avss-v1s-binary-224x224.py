# S4 with the masks of AVSBench-Semantic, part v1s with all classes as one, as the authors of the paper trained and
# tested for Table 1. Its label noise affects the figures; avsbench-s4 has the masks of AVSBench-Object.
_base_ = [
    '../_base_/models/cavp_r50_avs.py',
    '../_base_/datasets/avss_224.py',
    '../_base_/schedules/avsbench_60e.py',
    '../_base_/default_runtime.py',
]
subset = dict(subsets=('v1s',), binary=True)
num_classes = 2
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=num_classes),
    contrast_loss=dict(loss_weight=0.1),  # as in the authors' code on objects
)
train_dataloader = dict(dataset=subset)
val_dataloader = dict(dataset=subset)
test_dataloader = dict(dataset=subset)
val_evaluator = [dict(type='DatasetLevelMetric'), dict(type='AVSBenchObjectMetric')]
test_evaluator = val_evaluator
env_cfg = dict(cudnn_benchmark=True)  # all images have one size

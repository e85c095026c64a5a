# AVSBench-Semantic, all parts (v1s, v1m, v2), at original size.
_base_ = './avsbench_s4.py'
dataset_type = 'AVSBenchSemanticDataset'
data_root = 'data/AVSBench-semantic'
subsets = ('v1s', 'v1m', 'v2')
num_classes = 71
common = dict(_delete_=True, type=dataset_type, data_root=data_root, subsets=subsets)
train_dataloader = dict(
    dataset=dict(split='train', annotated_only=True, pipeline=_base_.train_pipeline, **common),
)
val_dataloader = dict(dataset=dict(split='val', pipeline=_base_.test_pipeline, test_mode=True, **common))
test_dataloader = dict(dataset=dict(split='test', pipeline=_base_.test_pipeline, test_mode=True, **common))
val_evaluator = [dict(type='DatasetLevelMetric'), dict(type='AVSBenchSemanticMetric')]
test_evaluator = val_evaluator

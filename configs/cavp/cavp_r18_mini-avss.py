# CAVP on the generated AVSBench-Semantic.
_base_ = './cavp_r18_mini-s4.py'
dataset_type = 'AVSBenchSemanticDataset'
data_root = 'data/mini-avsbench/AVSBench-semantic'
common = dict(_delete_=True, type=dataset_type, data_root=data_root, subsets=('v1s', 'v1m', 'v2'))
test_pipeline = _base_.test_pipeline
num_classes = 71
model = dict(decode_head=dict(num_classes=num_classes, loss_decode=dict(class_weight=[0.2, *[1.0] * 70])))
train_dataloader = dict(dataset=dict(split='train', annotated_only=True, pipeline=_base_.train_pipeline, **common))
val_dataloader = dict(dataset=dict(split='val', pipeline=test_pipeline, test_mode=True, **common))
test_dataloader = dict(dataset=dict(split='test', pipeline=test_pipeline, test_mode=True, **common))
val_evaluator = [dict(type='DatasetLevelMetric'), dict(type='AVSBenchSemanticMetric')]
test_evaluator = val_evaluator

from .avsbench_object_metric import AVSBenchObjectMetric
from .avsbench_semantic_metric import AVSBenchSemanticMetric
from .dataset_level_metric import DatasetLevelMetric

__all__ = ['AVSBenchObjectMetric', 'AVSBenchSemanticMetric', 'DatasetLevelMetric']

from .functional.avsbench_object import (
    FrameScore,
    f_curve,
    foreground_probability,
    jaccard,
    object_scores,
    threshold_counts,
)
from .functional.avsbench_semantic import ClassCounts, count_classes, semantic_scores
from .functional.confusion import confusion_matrix, dataset_level_scores
from .metrics import AVSBenchObjectMetric, AVSBenchSemanticMetric, DatasetLevelMetric

__all__ = [
    'AVSBenchObjectMetric',
    'AVSBenchSemanticMetric',
    'ClassCounts',
    'DatasetLevelMetric',
    'FrameScore',
    'confusion_matrix',
    'count_classes',
    'dataset_level_scores',
    'f_curve',
    'foreground_probability',
    'jaccard',
    'object_scores',
    'semantic_scores',
    'threshold_counts',
]

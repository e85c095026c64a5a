from .confusion import confusion_matrix, dataset_level_scores
from .metrics import DatasetLevelMetric

__all__ = ['DatasetLevelMetric', 'confusion_matrix', 'dataset_level_scores']

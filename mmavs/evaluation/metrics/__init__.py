from .dataset_level_metric import DatasetLevelMetric

__all__ = ['DatasetLevelMetric']

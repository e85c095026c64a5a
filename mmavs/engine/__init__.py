from .hooks import (
    BroadcastBuffersHook,
    CheckpointClassesHook,
    CheckpointWeightsHook,
    ExactCheckpointHook,
    NumClassesHook,
    ProgressBarHook,
    ResumeValidationHook,
)
from .optimizers import AVOptimWrapperConstructor, CPUAmpOptimWrapper, SGDAdam
from .runner import AtomicLocalBackend, AVRunner, ExactEpochBasedTrainLoop, ExactIterBasedTrainLoop
from .schedulers import VisualPolyLR

__all__ = [
    'AVOptimWrapperConstructor',
    'AVRunner',
    'AtomicLocalBackend',
    'BroadcastBuffersHook',
    'CPUAmpOptimWrapper',
    'CheckpointClassesHook',
    'CheckpointWeightsHook',
    'ExactCheckpointHook',
    'ExactEpochBasedTrainLoop',
    'ExactIterBasedTrainLoop',
    'NumClassesHook',
    'ProgressBarHook',
    'ResumeValidationHook',
    'SGDAdam',
    'VisualPolyLR',
]

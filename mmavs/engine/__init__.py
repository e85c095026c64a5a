from .checkpoint_files import AtomicLocalBackend
from .cpu_amp import CPUAmpOptimWrapper
from .hooks import (
    BroadcastBuffersHook,
    CheckpointClassesHook,
    CheckpointWeightsHook,
    ExactCheckpointHook,
    NumClassesHook,
    ProgressBarHook,
    ResumeValidationHook,
)
from .loops import ExactEpochBasedTrainLoop, ExactIterBasedTrainLoop
from .optim_constructor import AVOptimWrapperConstructor
from .runner import AVRunner
from .sgd_adam import SGDAdam
from .visual_poly_lr import VisualPolyLR

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

from .hooks import (
    BroadcastBuffersHook,
    CompatibilityHook,
    FiniteHook,
    FreezeHook,
    MainProcessLoggerHook,
    MaskContentHook,
    PipelineHook,
    ProgressBarHook,
    SeedHook,
    ValidateOnResumeHook,
)
from .optimizers import AVOptimWrapperConstructor, CPUAmpOptimWrapper, SGDAdam
from .runner import AtomicLocalBackend, AVRunner, checked_local_files
from .schedulers import VisualPolyLR

__all__ = [
    'AVOptimWrapperConstructor',
    'AVRunner',
    'AtomicLocalBackend',
    'BroadcastBuffersHook',
    'CPUAmpOptimWrapper',
    'CompatibilityHook',
    'FiniteHook',
    'FreezeHook',
    'MainProcessLoggerHook',
    'MaskContentHook',
    'PipelineHook',
    'ProgressBarHook',
    'SGDAdam',
    'SeedHook',
    'ValidateOnResumeHook',
    'VisualPolyLR',
    'checked_local_files',
]

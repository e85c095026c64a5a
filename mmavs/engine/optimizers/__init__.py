from .cpu_amp import CPUAmpOptimWrapper
from .optim_constructor import AVOptimWrapperConstructor
from .sgd_adam import SGDAdam

__all__ = [
    'AVOptimWrapperConstructor',
    'CPUAmpOptimWrapper',
    'SGDAdam',
]

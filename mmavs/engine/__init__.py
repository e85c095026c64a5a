from .cpu_amp import CPUAmpOptimWrapper
from .hooks import ProgressBarHook
from .optim_constructor import AVOptimWrapperConstructor
from .sgd_adam import SGDAdam
from .visual_poly_lr import VisualPolyLR

__all__ = ['AVOptimWrapperConstructor', 'CPUAmpOptimWrapper', 'ProgressBarHook', 'SGDAdam', 'VisualPolyLR']

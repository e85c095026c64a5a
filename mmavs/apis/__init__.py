from .config_text import ConfigTextError
from .inferencer import AVSegInferencer

__all__ = ['AVSegInferencer', 'ConfigTextError']

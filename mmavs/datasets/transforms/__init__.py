from .color_jitter import ColorJitter
from .crop import AVRandomCrop
from .flip import AVRandomFlip
from .formatting import PackAVSegInputs
from .load_audio import LoadAudio
from .loading import LoadAVAnnotations, LoadFrame

__all__ = [
    'AVRandomCrop',
    'AVRandomFlip',
    'ColorJitter',
    'LoadAVAnnotations',
    'LoadAudio',
    'LoadFrame',
    'PackAVSegInputs',
]

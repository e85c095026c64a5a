from .color_jitter import ColorJitter
from .flip import AVRandomFlip
from .formatting import PackAVSegInputs
from .load_audio import LoadAudio
from .loading import LoadAVAnnotations, LoadFrame

__all__ = ['AVRandomFlip', 'ColorJitter', 'LoadAVAnnotations', 'LoadAudio', 'LoadFrame', 'PackAVSegInputs']

from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmseg.registry import LOOPS

from mmavs.utils.deprecation import register_deprecated

from .checkpoint_files import AtomicLocalBackend, checked_local_files
from .runner import AVRunner
from .seeding import SeededDataset, SeededSampler

register_deprecated(LOOPS, 'ExactEpochBasedTrainLoop', 'EpochBasedTrainLoop', EpochBasedTrainLoop)
register_deprecated(LOOPS, 'ExactIterBasedTrainLoop', 'IterBasedTrainLoop', IterBasedTrainLoop)

__all__ = [
    'AVRunner',
    'AtomicLocalBackend',
    'SeededDataset',
    'SeededSampler',
    'checked_local_files',
]

from .checkpoint_files import AtomicLocalBackend
from .loops import ExactEpochBasedTrainLoop, ExactIterBasedTrainLoop
from .runner import AVRunner
from .seeding import SeededDataset, SeededSampler

__all__ = [
    'AVRunner',
    'AtomicLocalBackend',
    'ExactEpochBasedTrainLoop',
    'ExactIterBasedTrainLoop',
    'SeededDataset',
    'SeededSampler',
]

from .annotation_table import open_table
from .avsbench_object import AVSBenchObjectDataset
from .avsbench_semantic import AVSBenchSemanticDataset
from .avseg_dataset import AVSegDataset
from .clip_dataset import ClipDataset
from .samplers import ClipBatchSampler, ClipSampler
from .transforms import *  # noqa: F401,F403
from .vpo import VPODataset

__all__ = [
    'AVSBenchObjectDataset',
    'AVSBenchSemanticDataset',
    'AVSegDataset',
    'ClipBatchSampler',
    'ClipDataset',
    'ClipSampler',
    'VPODataset',
    'open_table',
]

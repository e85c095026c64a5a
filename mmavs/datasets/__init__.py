from .avseg_dataset import AVSegDataset
from .transforms import *  # noqa: F401,F403
from .vpo import VPODataset

__all__ = ['AVSegDataset', 'VPODataset']

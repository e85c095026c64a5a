"""Audio-visual segmentation for MMSegmentation: importing this package registers its modules with mmseg."""

from mmavs import compat

compat.apply()  # before anything imports modules of mmseg

from mmavs import datasets, engine, evaluation, models, registry, visualization  # noqa: E402
from mmavs.version import __version__  # noqa: E402

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models', 'registry', 'visualization']

"""Audio-visual segmentation for MMSegmentation: importing this package registers its modules with mmseg."""

from mmavs import versions

versions.check()  # before anything of the host packages is used

from mmavs import compat, loss_repairs  # noqa: E402

compat.apply()  # before anything imports mmseg's modules
loss_repairs.apply()

from mmavs import datasets, engine, evaluation, models, visualization  # noqa: E402
from mmavs.version import __version__  # noqa: E402

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models', 'visualization']

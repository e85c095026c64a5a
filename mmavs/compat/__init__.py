"""Version checks, and repairs that the current torch, mmcv, mmengine and mmseg need; one module for each package.

:func:`apply` runs when ``mmavs`` is imported. Each repair is a function that has an effect only if it is needed, and
that may be called again. The weights-only check of :func:`torch.load` is never disabled. It is enabled where mmengine
does not use it, and the types in mmengine's checkpoints are allowed one by one.
"""

from importlib import import_module

from . import versions

REPAIRED = ('python', 'mmcv', 'torch', 'mmengine', 'mmseg')
"""The order matters: mmseg cannot be imported before mmcv's repair."""


def apply() -> None:
    """Checks the versions of the host packages, then applies the repairs.

    Raises:
        ImportError: see :func:`versions.check`.
    """
    versions.check()
    for package in REPAIRED:
        import_module(f'{__name__}.{package}').apply()

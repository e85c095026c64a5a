"""Version checks, and the few repairs that today's torch, mmcv, mmengine and mmseg need; one module for each package.

:func:`apply` runs when ``mmavs`` is imported. Each repair is a function of its own, acts only where it is needed, and
may be applied again without harm. The weights-only check of :func:`torch.load` is never switched off: it is switched
on where mmengine leaves it out, and the types in mmengine's own checkpoints are allowed one by one.
"""

from importlib import import_module

from . import versions

REPAIRED = ('python', 'mmcv', 'torch', 'mmengine', 'mmseg')
"""In this order: mmcv's repair lets mmseg import."""


def apply() -> None:
    """Checks the versions of the host packages, then applies the repairs.

    Raises:
        ImportError: see :func:`versions.check`.
    """
    versions.check()
    for package in REPAIRED:
        import_module(f'{__name__}.{package}').apply()

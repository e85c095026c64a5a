"""Repairs for a Python that is newer than the host packages."""

import pkgutil
from importlib import import_module
from importlib.abc import Loader
from importlib.util import find_spec
from types import SimpleNamespace

CALLERS = ('mmcv.utils.ext_loader', 'mmengine.utils.dl_utils.misc')
"""The modules that call ``pkgutil.find_loader``. The forks of mmengine and mmcv do not call it."""


def apply() -> None:
    """Applies the repairs that are needed."""
    restore_find_loader()


def restore_find_loader() -> None:
    """Restores ``pkgutil.find_loader`` for the modules that call it.

    Python 3.14 removed the function. Without it mmengine's ``mmcv_full_available``, which is called when an optimizer
    is built, and mmcv's ``check_ops_exist`` raise an AttributeError. :mod:`pkgutil` itself is not changed: only the
    name ``pkgutil`` in the modules of :data:`CALLERS` is replaced.
    """
    if hasattr(pkgutil, 'find_loader'):
        return
    for name in CALLERS:
        module = import_module(name)
        if hasattr(module, 'pkgutil'):
            module.pkgutil = SimpleNamespace(**vars(pkgutil), find_loader=find_loader)


def find_loader(fullname: str) -> Loader | None:
    """Equals ``pkgutil.find_loader`` of Python 3.13: the loader of a module, or None if there is no such module."""
    spec = find_spec(fullname)
    return spec and spec.loader

"""The few repairs that current PyTorch, setuptools, mmcv-lite and the fork of mmseg need before mmseg can be used.

:func:`apply` runs when ``mmavs`` is imported. Each repair is a function of its own, acts only where it is needed, and
may be applied again without harm. The weights-only check of :func:`torch.load` is never switched off: it is switched
on where mmengine forgets it, and the types in mmengine's own checkpoints are named to it one by one.
"""

import codecs
import functools
import pickle
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import mmengine.runner.checkpoint as mmengine_checkpoint
import numpy as np
import torch
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from mmengine.utils import package_utils

from mmavs.versions import is_installed

# The methods that mmengine's checkpoints refer to by `getattr(owner, name)`, the way pickle protocol 2 names a method.
_PICKLED_METHODS = {
    HistoryBuffer: ('min', 'max', 'mean', 'current'),
    OneCycleParamScheduler: ('_annealing_cos', '_annealing_linear'),
}


def apply() -> None:
    """Apply every repair that is needed."""
    stub_missing_ops()
    allow_checkpoint_types()
    check_checkpoint_loads()
    find_mmseg_configs()
    warn_without_pkg_resources()


def stub_missing_ops() -> None:
    """Let all of mmseg import with mmcv-lite, which has the Python side of ``mmcv.ops`` but not the compiled one.

    ``mmcv.ops`` asks ``load_ext`` for compiled functions at import. Without ``mmcv._ext`` it gets functions that raise
    an ImportError when called; no module is faked, so that ``mmengine`` still finds that the operators are missing.
    """
    if find_spec('mmcv._ext') is None:
        import_module('mmcv.utils.ext_loader').load_ext = _load_missing_ext


def _load_missing_ext(name: str, funcs: list[str]) -> SimpleNamespace:
    """Stand in for ``mmcv.utils.ext_loader.load_ext(name, funcs)``."""
    return SimpleNamespace(**{func: functools.partial(_raise_missing_op, func) for func in funcs})


def _raise_missing_op(op: str, *args, **kwargs) -> None:
    raise ImportError(
        f'The operator "{op}" is part of the full mmcv, and mmcv-lite is installed. Replace it with: '
        'pip uninstall mmcv-lite && pip install "mmavs[mmcv]" (compiles for some minutes where there is no wheel)'
    )


def allow_checkpoint_types() -> None:
    """Name the types in mmengine's own checkpoints to torch's weights-only check.

    Beside tensors and plain containers, a checkpoint of ``mmengine.runner.Runner`` holds the message hub, with
    ``HistoryBuffer`` objects (numpy arrays, references to their own statistics) and numpy numbers, and the state of
    the parameter schedulers. Files written under numpy 1 and numpy 2 name numpy's functions differently; both load.
    """
    reconstruct = np.empty(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    dtypes = {type(np.dtype(code)) for code in np.typecodes['AllInteger'] + np.typecodes['Float'] + '?'}
    numpy_functions = [
        _named(function, module, name)
        for module in ('numpy._core.multiarray', 'numpy.core.multiarray')
        for function, name in ((reconstruct, '_reconstruct'), (scalar, 'scalar'))
    ]
    torch.serialization.add_safe_globals(
        [
            *(HistoryBuffer, OneCycleParamScheduler, np.ndarray, np.dtype),
            *dtypes,
            *numpy_functions,
            _named(_get_pickled_method, 'builtins', 'getattr'),
            codecs.encode,  # how pickle protocol 2 spells bytes; torch allows it by itself from 2.5 on
        ]
    )


@functools.cache  # one object per name, so that a second call adds nothing
def _named(function: Callable, module: str, name: str) -> Callable:
    """Wrap ``function`` under the path ``module.name``, by which torch's unpickler finds it."""

    def wrapper(*args):
        return function(*args)

    wrapper.__module__, wrapper.__name__, wrapper.__qualname__ = module, name, name
    return wrapper


def _get_pickled_method(owner: type, name: str) -> Callable:
    """``getattr`` for the few methods that mmengine pickles: the real one would open every attribute to a file."""
    if not any(owner is cls and name in names for cls, names in _PICKLED_METHODS.items()):
        raise pickle.UnpicklingError(f'a checkpoint may not refer to the attribute {name!r} of {owner!r}')
    return getattr(owner, name)


def check_checkpoint_loads() -> None:
    """Switch the weights-only check on in mmengine's loaders of URLs; :mod:`mmavs.engine` replaces that of local files.

    mmengine says nothing on it: ``torch.load`` then checks from torch 2.6 on, and torch's download helper never does.
    Its fork checks, but reads what the check refuses without it.
    """
    mmengine_checkpoint.load_url = _load_url
    if hasattr(mmengine_checkpoint, '_safe_torch_load'):
        mmengine_checkpoint._safe_torch_load = functools.partial(torch.load, weights_only=True)


_load_url = functools.partial(mmengine_checkpoint.load_url, weights_only=True)


def load_from_local(filename: str, map_location=None) -> dict:
    """Load a checkpoint file with the weights-only check on.

    Args:
        filename: Path of the file, ``~`` allowed.
        map_location: As in :func:`torch.load`.

    Raises:
        FileNotFoundError: There is no such file.
        pickle.UnpicklingError: The file holds more than tensors, plain values and mmengine's own types.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint not found: {path}')
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        raise pickle.UnpicklingError(
            f"{path} was not loaded: it is damaged or holds more than tensors, plain values and mmengine's own types "
            '(see the error above), and reading those could run code. Save its state_dict alone, and load that file.'
        ) from error


def find_mmseg_configs() -> None:
    """Let ``_base_ = 'mmseg::...'`` find mmseg where it was not installed under the name ``mmsegmentation``.

    mmengine and its fork look for a distribution of this name; the fork of mmseg has another one.
    """
    if not is_installed(MODULE2PACKAGE['mmseg']):
        MODULE2PACKAGE['mmseg'] = 'mmseg'  # by its module


def warn_without_pkg_resources() -> None:
    """Warn where mmengine will not be able to resolve ``_base_ = 'mmseg::...'``: setuptools 81 dropped the module.

    The fork of mmengine does without it.
    """
    needed = 'pkg_resources' in package_utils.is_installed.__code__.co_names
    if needed and find_spec('pkg_resources') is None:
        warnings.warn(
            'pkg_resources is missing, so configs with _base_ = "mmseg::..." cannot be read. '
            'Install it with: pip install "setuptools<81"',
            stacklevel=2,
        )

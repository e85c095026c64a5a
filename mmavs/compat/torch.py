"""Types that torch's weights-only check must accept to load checkpoints of mmengine."""

import codecs
import functools
import pickle
from collections.abc import Callable

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

# Methods to which mmengine's checkpoints refer. Pickle protocol 2 stores a method as `getattr(owner, name)`.
_PICKLED_METHODS = {
    HistoryBuffer: ('min', 'max', 'mean', 'current'),
    OneCycleParamScheduler: ('_annealing_cos', '_annealing_linear'),
}


def apply() -> None:
    """Applies the repairs that are needed."""
    allow_checkpoint_types()


def allow_checkpoint_types() -> None:
    """Adds the types in mmengine's own checkpoints to those that torch's weights-only check accepts.

    Besides tensors and plain containers, a checkpoint of ``mmengine.runner.Runner`` holds the message hub, with
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
            codecs.encode,  # pickle protocol 2 stores bytes by it; torch allows it since 2.5
        ]
    )


@functools.cache  # one object per name, so that a second call adds no type
def _named(function: Callable, module: str, name: str) -> Callable:
    """Wraps ``function`` under the path ``module.name``, by which torch's unpickler finds it."""

    def wrapper(*args):
        return function(*args)

    wrapper.__module__, wrapper.__name__, wrapper.__qualname__ = module, name, name
    return wrapper


def _get_pickled_method(owner: type, name: str) -> Callable:
    """``getattr`` restricted to the methods that mmengine pickles; the built-in would reach every attribute."""
    if not any(owner is cls and name in names for cls, names in _PICKLED_METHODS.items()):
        raise pickle.UnpicklingError(f'a checkpoint may not refer to the attribute {name!r} of {owner!r}')
    return getattr(owner, name)

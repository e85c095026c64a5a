"""Errors of misspelled keys in the config of a model."""

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmseg.registry import MODELS

from mmavs.utils.nearest import nearest_hint

_UNKNOWN_KEY = re.compile(r"got an unexpected keyword argument '(\w+)'")
_ALWAYS_KNOWN = ('self', 'type', '_scope_')


@contextmanager
def unknown_key_errors(cfg: dict, key: str = 'model') -> Iterator[None]:
    """Adds the part of the config and the most similar argument to the error of an unknown argument.

    Args:
        cfg: Config that is built in the context, with ``type`` and with the configs of its parts.
        key: Name of the config, for messages.

    Raises:
        TypeError: A config has a key that is not an argument of its class.
    """
    try:
        yield
    except TypeError as error:
        if (match := _UNKNOWN_KEY.search(str(error))) is None:
            raise
        name = match[1]
        for path, cls in _parts_with(name, cfg, key):
            if name not in (known := _arguments(cls)):
                hint = nearest_hint(name, known) or f'; it takes {", ".join(known)}'
                raise TypeError(f'{path}: {cls.__name__} has no argument {name!r}{hint}') from error
        raise


def _parts_with(name: str, cfg: Any, path: str) -> Iterator[tuple[str, type]]:
    """Yields (path, class) of the configs with the key ``name``, the outermost first."""
    if isinstance(cfg, dict):
        cls = cfg.get('type')
        cls = MODELS.get(cls) if isinstance(cls, str) else cls
        if name in cfg and cls is not None:
            yield path, cls
    items = cfg.items() if isinstance(cfg, dict) else enumerate(cfg) if isinstance(cfg, (list, tuple)) else ()
    for key, value in items:
        yield from _parts_with(name, value, f'{path}.{key}')


def _arguments(cls: type) -> list[str]:
    """Names of the arguments of a class, including those that ``**kwargs`` pass to base classes.

    A class that passes ``kwargs`` to another class has this class as attribute ``kwargs_class``.
    """
    found: dict[str, None] = {}
    classes = inspect.getmro(cls) if inspect.isclass(cls) else [cls]
    for owner in (*classes, *inspect.getmro(getattr(cls, 'kwargs_class', object))):
        function = owner.__dict__.get('__init__') if inspect.isclass(owner) else owner
        if not inspect.isfunction(function):
            continue
        parameters = inspect.signature(function).parameters.values()
        found.update({p.name: None for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)})
        if owner is cls and not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return [name for name in found if name not in _ALWAYS_KNOWN]

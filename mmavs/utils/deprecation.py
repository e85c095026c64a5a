import functools
import warnings
from collections.abc import Callable
from typing import Any

from mmengine.registry import Registry


def register_deprecated(registry: Registry, old: str, new: str, build: Callable[..., Any]) -> None:
    """Registers a former name, so that configs with this name still work.

    Args:
        registry: Registry of the class.
        old: The former name. Building it emits a ``FutureWarning`` with the new one.
        new: The name to use instead.
        build: The class of that name, or a function that builds it from the former arguments.
    """

    @functools.wraps(build, updated=())
    def build_deprecated(*args, **kwargs):
        warnings.warn(f'{old!r} is deprecated and will be removed in the next version; use {new!r}', FutureWarning, 2)
        return build(*args, **kwargs)

    registry.register_module(name=old, module=build_deprecated, force=True)

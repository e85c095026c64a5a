import inspect

from mmseg.registry import MODELS
from torch import nn

from mmavs.utils.nearest import nearest_hint


def build_part(key: str, cfg: dict) -> nn.Module:
    """Builds a part of a model from its config.

    Args:
        key: Name of the part in the model's config, for messages.
        cfg: Config with ``type``.

    Raises:
        TypeError: The config has a key that the class does not take; the message names the most similar one.
    """
    cls = MODELS.get(cfg['type']) if isinstance(cfg['type'], str) else cfg['type']
    if cls is not None:
        _check_keys(key, cfg, cls)
    return MODELS.build(cfg)


def _check_keys(key: str, cfg: dict, cls: type) -> None:
    parameters = inspect.signature(cls).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in cfg:
        if name not in parameters and name not in ('type', '_scope_'):
            hint = nearest_hint(name, parameters) or f'; it takes {", ".join(parameters)}'
            raise TypeError(f'model.{key}: {cls.__name__} has no argument {name!r}{hint}')

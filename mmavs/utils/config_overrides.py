"""Changes to a config by the option `--cfg-options` of the tools."""

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import DATASETS, LOOPS

from .nearest import nearest_hint

# Optional top-level keys that mmengine, mmseg or the tools read.
_OPTIONAL = {
    *inspect.signature(Runner.__init__).parameters,
    *('activation_checkpointing', 'compile', 'efficient_conv_bn_eval', 'find_unused_parameters', 'model_wrapper_cfg'),
    *('runner_type', 'sync_bn', 'tta_model', 'tta_pipeline'),
}


def override(cfg: Config, options: dict[str, Any]) -> None:
    """Merges ``options`` into a config, as ``Config.merge_from_dict`` does, with two differences.

    - ``data_root`` and named steps of pipelines, such as ``load_audio``, are variables of the config file whose values
      are copied into datasets and pipelines. They are replaced in all places that have the former value.
    - Keys without an effect raise an error.

    Args:
        cfg: The config; changed in place.
        options: Dotted keys and values.

    Raises:
        ValueError: A key does not apply to this config; the message names it and the alternative.
    """
    before = copy.deepcopy(cfg.to_dict())
    for key in options:
        root = key.split('.')[0]
        if root not in before and root not in _OPTIONAL:
            raise ValueError(
                f'--cfg-options {key}: the config has no {root!r}{nearest_hint(root, {*before, *_OPTIONAL})}'
            )
    cfg.merge_from_dict(options)
    for key in options:
        _check_typed_parts(cfg, key)
    if 'data_root' in options:
        _replace_data_root(cfg, before['data_root'], options['data_root'])
    for name in {key.split('.')[0] for key in options} - _OPTIONAL:
        former = before[name]
        if isinstance(former, dict) and 'type' in former:
            _replace_steps(cfg, name, former)


def _replace_data_root(cfg: Config, former: str, new: str) -> None:
    replaced = 0
    for part in _dicts(cfg):
        root = part.get('data_root')
        if isinstance(root, str) and (root == former or root.startswith(f'{former}/')) and part is not cfg:
            part['data_root'] = new + root[len(former) :]
            replaced += 1
    if not replaced:
        raise ValueError(
            f'--cfg-options data_root={new}: no dataset of the config has the data_root {former!r}. Set '
            'train_dataloader.dataset.data_root, and likewise for val_dataloader and test_dataloader'
        )


def _replace_steps(cfg: Config, name: str, former: dict) -> None:
    for container, index in list(_entries(cfg)):
        if container is not cfg and container[index] == former:
            container[index] = copy.deepcopy(cfg[name])


def _dicts(node: Any) -> Iterator[dict]:
    for container, index in _entries(node):
        if isinstance(container[index], dict):
            yield container[index]


def _entries(node: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key or index) of every value below ``node``."""
    keys = list(node) if isinstance(node, (Config, dict)) else range(len(node))
    for key in keys:
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from _entries(node[key])


def _check_typed_parts(cfg: Config, key: str) -> None:
    """Raises an error for a key of a loop or a dataset whose class has no such argument."""
    steps, node = key.split('.'), cfg
    for depth, step in enumerate(steps):
        owner = '.'.join(steps[:depth])
        cls = _class_of(node, owner) if isinstance(node, (Config, dict)) else None
        known = _arguments(cls) if cls is not None else None
        if known is not None and step not in (*known, 'type', '_delete_', 'by_epoch', '_scope_'):
            hint = nearest_hint(step, known) or f'; its arguments are {", ".join(known)}'
            if step == 'data_root':
                hint += '. --cfg-options data_root=FOLDER sets it in all datasets of the config'
            raise ValueError(f'--cfg-options {key}: {owner} is of type {cls.__name__}, which has no {step!r}{hint}')
        if isinstance(node, (list, tuple)):
            step = int(step)
        node = node[step]


def _class_of(node: Any, path: str) -> Callable | None:
    if path == 'train_cfg':
        default = 'EpochBasedTrainLoop' if node.get('by_epoch', True) else 'IterBasedTrainLoop'
        return LOOPS.get(node.get('type', default))
    if path.split('.')[-1] == 'dataset' or '.datasets.' in path:
        name = node.get('type') if 'pipeline' not in path else None
        return DATASETS.get(name) if isinstance(name, str) else None
    return None


def _arguments(cls: Callable) -> list[str] | None:
    """Names of the arguments of a class, with those of its bases where ``**kwargs`` passes them on; None if unknown."""
    names: dict[str, None] = {}
    for base in inspect.getmro(cls) if inspect.isclass(cls) else ():
        if '__init__' not in vars(base):
            continue
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
        names.update((p.name, None) for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return list(names)
    return None

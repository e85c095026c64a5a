"""Reads the config in a checkpoint as data. It is not executed, since a checkpoint may come from any source.

mmengine's ``Config.fromstring`` executes such a text.
"""

import ast
import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import mmengine.registry
import mmseg.registry
from mmengine.config import ConfigDict
from mmengine.registry import Registry

_NUMBERS = {'inf': math.inf, 'nan': math.nan}  # as printed by Python
_SCOPES = ('mmavs', 'mmseg', 'mmcv', 'mmengine')


class ConfigTextError(ValueError):
    """The config of a checkpoint cannot be used; the message names the checkpoint, the line and the remedy."""


def read_config_text(checkpoint: dict, source: str) -> str | None:
    """The text of the config that mmengine's runner stores in a checkpoint; None if there is none.

    Args:
        checkpoint: Content of the file.
        source: Name of the file, for messages.

    Raises:
        ConfigTextError: The entry is not a string.
    """
    info = checkpoint.get('message_hub', {})
    info = info.get('runtime_info', {}) if isinstance(info, dict) else {}
    meta = checkpoint.get('meta', {})
    for part in (info, meta):
        if isinstance(part, dict) and part.get('cfg') is not None:
            if not isinstance(part['cfg'], str):
                raise ConfigTextError(
                    f'the config in {source} is a {type(part["cfg"]).__name__}, not a string. {_REMEDY}'
                )
            return part['cfg']
    return None


_REMEDY = 'Pass the config file of the training as `model`'


def parse_config_text(text: str, source: str) -> ConfigDict:
    """Parses a config as data.

    The text may assign numbers, strings, None, True, False, lists, tuples, sets, dicts and ``dict(...)`` to names, as
    written by ``Config.pretty_text``. Any other code raises an error, and nothing is executed.

    Args:
        text: The config.
        source: Name of the file that contains it, for messages.

    Raises:
        ConfigTextError: The text has other parts.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigTextError(f'the config in {source} is not valid Python code ({error}). {_REMEDY}') from error
    values: dict[str, Any] = {}
    for node in tree.body:
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)):
            raise _refusal(node, source)
        try:
            values[node.targets[0].id] = _evaluate(node.value, source)
        except (TypeError, RecursionError) as error:  # a list as a key, thousands of signs
            raise _refusal(node, source) from error
    return ConfigDict(values)


def _evaluate(node: ast.expr, source: str) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and node.id in _NUMBERS:
        return _NUMBERS[node.id]
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return kind(_evaluate(item, source) for item in node.elts)
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys, values = ([_evaluate(part, source) for part in parts] for parts in (node.keys, node.values))
        return dict(zip(keys, values, strict=True))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = _evaluate(node.operand, source)
        if isinstance(value, (int, float)):
            return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict':
        # mmengine writes keys that are not identifiers as `dict({'a.b': 1})`
        literal = node.args[:1] if len(node.args) == 1 and isinstance(node.args[0], ast.Dict) else []
        if literal == node.args and all(keyword.arg for keyword in node.keywords):
            value = _evaluate(node.args[0], source) if node.args else {}
            return {**value, **{keyword.arg: _evaluate(keyword.value, source) for keyword in node.keywords}}
    raise _refusal(node, source)


def _refusal(node: ast.AST, source: str) -> ConfigTextError:
    try:
        part = ast.unparse(node)
    except RecursionError:
        part = 'an expression that is nested too deeply'
    part = part if len(part) <= 80 else f'{part[:80]} ...'
    return ConfigTextError(
        f'the config in {source} has more than values in line {node.lineno}: {part!r}. It was not executed, since a '
        f'checkpoint may come from any source. {_REMEDY}, if you trust it'
    )


def check_types(cfg: Any, source: str) -> None:
    """Checks that each ``type`` in a part of a config is the name of a registered module.

    mmengine would import and call the object of a name such as ``'subprocess.call'``.

    Args:
        cfg: The part that will be built.
        source: Name of the file that contains it, for messages.

    Raises:
        ConfigTextError: A type is not registered.
    """
    known = _registered_names()
    for name in _types(cfg):
        scope, _, rest = name.rpartition('.') if isinstance(name, str) else ('', '', None)
        if rest not in known or scope not in ('', *_SCOPES):
            raise ConfigTextError(
                f'the config in {source} has type={name!r}, which is not a registered module. If it is your own, '
                'import its module first (see custom_imports of the config)'
            )


def _types(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        if 'type' in node:
            yield node['type']
        node = list(node.values())
    if isinstance(node, (list, tuple, set)):
        for value in node:
            yield from _types(value)


@cache
def _registries() -> tuple[Registry, ...]:
    modules = (mmengine.registry, mmseg.registry)
    found = {id(part): part for module in modules for part in vars(module).values() if isinstance(part, Registry)}
    for registry in found.values():
        registry.import_from_location()
    return tuple(found.values())


def _registered_names() -> set[str]:
    return {name for registry in _registries() for name in registry.module_dict}

"""Reads checkpoints of other projects, with the weights-only check on."""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from mmavs.engine.runner.checkpoint_files import load_from_local_file

_WRAPPERS = re.compile(r'^(module\.|_orig_mod\.)+')  # DistributedDataParallel, torch.compile


class ConversionError(ValueError):
    """A checkpoint that can't be converted; the message says what was found and what to do."""


class Weights(NamedTuple):
    """The weights in a checkpoint.

    Attributes:
        state_dict: Name -> tensor, without the prefixes of wrappers.
        others: Name of each other entry of the file -> why it is left out.
    """

    state_dict: dict[str, Tensor]
    others: dict[str, str]


def read_weights(path: str | Path, entry: str | None = None) -> Weights:
    """Finds the weights in a file, wherever they are in it.

    Args:
        path: Written by `torch.save` (a state dict, or a dict with one in it, beside whatever else) or by safetensors.
        entry: Which entry of the file to take, where several could be meant; a dot goes one level down.

    Raises:
        FileNotFoundError: There is no such file.
        pickle.UnpicklingError: Reading the file could run code.
        ValueError: It is damaged, or no checkpoint.
        ConversionError: It has no weights, or it has several sets of them.
    """
    content = _read(Path(path).expanduser())
    found = dict(_find_state_dicts(content))
    if not found:
        raise ConversionError(f'{path} has no weights; its entries are {_list(content)}')
    if entry is None and len(found) > 1:
        raise ConversionError(f'{path} has weights in several entries: {_list(found)}. Choose one with --entry')
    if entry is not None and entry not in found:
        raise ConversionError(f'{path} has no weights in the entry {entry!r}, but in {_list(found)}')
    chosen = next(iter(found)) if entry is None else entry
    others = {} if chosen == '' else _other_entries(content, chosen.split('.'))
    return Weights(_unwrap(path, found[chosen]), others)


def _read(path: Path):
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint not found: {path}')
    if path.suffix == '.safetensors':
        from safetensors.torch import load_file  # comes with timm, whose weights have this format

        return load_file(path)
    with path.open('rb') as f:
        start = f.read(40)
    if start and not start.startswith((b'PK', b'\x80')):  # an archive, or a pickle, the format of torch before 1.6
        raise ConversionError(f'{path} can not be read: it begins with {start!r}; is it a web page? Download it again')
    # The options of a training; a plain object, which runs nothing when it is read.
    with torch.serialization.safe_globals([argparse.Namespace]):
        return load_from_local_file(path, map_location='cpu')


def _find_state_dicts(content: Mapping, path: str = ''):
    """Yields (place, state dict) of each dict of tensors, but for the states of optimizers and the like."""
    tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if tensors and all(isinstance(name, str) for name in tensors) and any('.' in name for name in tensors):
        yield path, tensors
        return
    for name, value in content.items():
        if isinstance(name, str) and isinstance(value, Mapping):
            yield from _find_state_dicts(value, f'{path}.{name}' if path else name)


def _other_entries(content: Mapping, way: list[str]) -> dict[str, str]:
    """What lies beside the chosen entry, on each level of the way to it."""
    others, prefix = {}, ''
    for step in way:
        others.update((f'{prefix}{name}', 'not part of the weights') for name in content if name != step)
        content, prefix = content[step], f'{prefix}{step}.'
    return others


def _unwrap(path: str | Path, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    unwrapped = {_WRAPPERS.sub('', name): value for name, value in state_dict.items()}
    if len(unwrapped) < len(state_dict):
        raise ConversionError(f'{path} has entries twice, with and without the prefix "module."')
    return unwrapped


def _list(names) -> str:
    return ', '.join(map(str, names)) or 'none'

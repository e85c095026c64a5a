"""Reads checkpoints of other projects with the weights-only check of torch."""

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
    """A checkpoint cannot be converted; the message has the reason and the remedy."""


class Weights(NamedTuple):
    """The weights in a checkpoint.

    Attributes:
        state_dict: Name -> tensor, without the prefixes of wrappers.
        others: Name of each other entry of the file -> the reason why it is left out.
    """

    state_dict: dict[str, Tensor]
    others: dict[str, str]


def read_weights(path: str | Path, entry: str | None = None) -> Weights:
    """Finds the weights in a file.

    Args:
        path: Written by `torch.save` (a state dict, or a dict that contains one) or by safetensors.
        entry: Entry of the file to use if several entries have weights; a dot separates levels.

    Raises:
        FileNotFoundError: There is no such file.
        pickle.UnpicklingError: Reading the file could run code.
        ValueError: The file is damaged or not a checkpoint.
        ConversionError: It has no weights, or several entries with weights.
    """
    content = _read(Path(path).expanduser())
    found = dict(_find_state_dicts(content))
    if not found:
        raise ConversionError(f'{path} has no weights; its entries are {_list(content)}')
    if entry is None and len(found) > 1:
        raise ConversionError(f'{path} has weights in several entries: {_list(found)}. Choose one with --entry')
    if entry is not None and entry not in found:
        raise ConversionError(f'{path} has no weights in the entry {entry!r}; entries with weights: {_list(found)}')
    chosen = next(iter(found)) if entry is None else entry
    others = {} if chosen == '' else _other_entries(content, chosen.split('.'))
    return Weights(_unwrap(path, found[chosen]), others)


def _read(path: Path):
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint not found: {path}')
    if path.suffix == '.safetensors':
        from safetensors.torch import load_file  # safetensors is a dependency of timm, whose weights have this format

        return load_file(path)
    with path.open('rb') as f:
        start = f.read(40)
    if start and not start.startswith((b'PK', b'\x80')):  # neither a ZIP archive nor a pickle
        raise ConversionError(
            f'{path} is not a checkpoint: it begins with {start!r} and may be a web page; download it again'
        )
    # Checkpoints may contain the options of the training as a Namespace. Unpickling a Namespace does not run code.
    with torch.serialization.safe_globals([argparse.Namespace]):
        return load_from_local_file(path, map_location='cpu')


def _find_state_dicts(content: Mapping, path: str = ''):
    """Yields (entry, state dict) of each dict of tensors except for states of optimizers."""
    tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if tensors and all(isinstance(name, str) for name in tensors) and any('.' in name for name in tensors):
        yield path, tensors
        return
    for name, value in content.items():
        if isinstance(name, str) and isinstance(value, Mapping):
            yield from _find_state_dicts(value, f'{path}.{name}' if path else name)


def _other_entries(content: Mapping, keys: list[str]) -> dict[str, str]:
    """The entries that were not chosen, on each level."""
    others, prefix = {}, ''
    for key in keys:
        others.update((f'{prefix}{name}', 'not part of the weights') for name in content if name != key)
        content, prefix = content[key], f'{prefix}{key}.'
    return others


def _unwrap(path: str | Path, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    unwrapped = {_WRAPPERS.sub('', name): value for name, value in state_dict.items()}
    if len(unwrapped) < len(state_dict):
        raise ConversionError(f'{path} has entries both with and without the prefix "module."; remove one of each')
    return unwrapped


def _list(names) -> str:
    return ', '.join(map(str, names)) or 'none'

"""Checks of what the user asks for."""

import os
from collections.abc import Sequence
from typing import Any

from .files import COPY_MODES
from .image_set import ImagePart
from .sampling import SPLITS, SUBSETS


def make_parts(
    instances: Sequence[str], images: Sequence[str], captions: Sequence[str], splits: Sequence[str], val_fraction: float
) -> list[ImagePart]:
    """Pairs annotation files, image folders, caption files and splits by position.

    Raises:
        ValueError: Their numbers differ, or a split is unknown.
        FileNotFoundError: One does not exist.
    """
    if not instances:
        raise ValueError('--instances needs at least one COCO instances file')
    for option, values in (
        ('--images', images),
        ('--captions', captions or instances),
        ('--splits', splits or instances),
    ):
        if len(values) != len(instances):
            raise ValueError(
                f'{option} has {len(values)} entries for {len(instances)} --instances files; they belong '
                'together by position'
            )
    for split in splits:
        if split not in ('auto', *SPLITS):
            raise ValueError(f'--splits takes auto, {", ".join(SPLITS)}, got {split!r}')
    if 'val' in splits and not val_fraction:
        raise ValueError('--splits val needs a --val-fraction above 0, which gives that split its recordings')
    for path in (*instances, *images, *captions):
        check_exists(path)
    return [
        ImagePart(
            instances[i],
            images[i],
            captions[i] if captions else None,
            splits[i] if splits and splits[i] != 'auto' else None,
        )
        for i in range(len(instances))
    ]


def check_exists(path: str) -> None:
    """Raises FileNotFoundError where there is nothing."""
    if not os.path.exists(path):
        raise FileNotFoundError(f'{path} does not exist')


def expected_splits(parts: Sequence[ImagePart], options: dict[str, Any]) -> list[str]:
    """The splits that the user asks for."""
    wanted = {part.fixed_split for part in parts}
    if None in wanted:
        wanted |= {'train', *(s for s in ('val', 'test') if options[f'{s}_fraction'])}
    return [s for s in SPLITS if s in wanted]


def check_options(subset: str, copy_mode: str, workers: int | None, options: dict[str, Any]) -> None:
    """Raises ValueError for a value out of range; the message names the option."""
    if subset not in (*SUBSETS, 'all'):
        raise ValueError(f'subset must be one of {", ".join(SUBSETS)}, all; got {subset!r}')
    if copy_mode not in COPY_MODES:
        raise ValueError(f'--copy-mode must be one of {", ".join(COPY_MODES)}; got {copy_mode!r}')
    for name in ('test_fraction', 'val_fraction', 'min_area'):
        if not 0 <= options[name] < 1:
            raise ValueError(f'--{name.replace("_", "-")} must lie in [0, 1), got {options[name]}')
    for name in ('max_sources', 'min_candidates', 'max_per_class', 'workers'):
        value = workers if name == 'workers' else options[name]
        if value is not None and value < 1:
            raise ValueError(f'--{name.replace("_", "-")} must be at least 1, got {value}')

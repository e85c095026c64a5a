"""Options of a build and their checks."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmavs.utils.files import COPY_MODES

from .image_set import ImagePart
from .sampling import SPLITS, SUBSETS

_DECIDING = (
    'seed',
    'test_fraction',
    'val_fraction',
    'max_sources',
    'min_area',
    'min_candidates',
    'max_per_class',
    'skip_silent',
)


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """Options of a build.

    Attributes:
        subset: ``'ss'``, ``'ms'``, ``'msmi'`` (which includes ``'ms'``) or ``'all'``.
        instances: COCO instances files.
        images: Folder of the images of each instances file.
        sounds_csv: VGGSound's list: id, start second, label, split.
        sounds: Folder of the recordings, ``<id>_<start second, six digits>.wav``, or of the videos (``.mp4``, ...).
        out: Root of the dataset.
        captions: COCO captions file of each instances file; without them, classes that need captions are left out.
        splits: For each instances file the split of all its images, ``'train'``, ``'val'`` or ``'test'``, or
            ``'auto'`` to divide them.
        classes: Class file (see ``vpo_classes.yaml``), None for the 21 classes of VPO.
        seed: Seed of all random choices.
        test_fraction: Fraction of the images for testing.
        val_fraction: Fraction of the remaining images, and of the training recordings, for validation.
        max_sources: Maximum number of sounding objects in an image.
        min_area: Minimum fraction of the image that a sounding object covers.
        min_candidates: Minimum number of candidates, objects that may become sounding objects, in an image of VPO-MS.
        max_per_class: Maximum number of sounding objects of a class in each split of VPO-SS, of VPO-MS, and of the
            images that only VPO-MSMI has; None for no limit.
        skip_silent: Leaves out recordings that are silent in their middle 3 s, which samples take.
        workers: Number of processes, None for one per CPU core.
        copy_mode: ``'copy'``, ``'hardlink'`` or ``'symlink'`` for images and recordings.
        overwrite: Replaces these subsets in ``out``, also those of another build.
    """

    subset: str
    instances: Sequence[str]
    images: Sequence[str]
    sounds_csv: str
    sounds: str
    out: str
    captions: Sequence[str] = ()
    splits: Sequence[str] = ()
    classes: str | None = None
    seed: int = 0
    test_fraction: float = 0.1
    val_fraction: float = 0.0
    max_sources: int = 5
    min_area: float = 0.005
    min_candidates: int = 1
    max_per_class: int | None = None
    skip_silent: bool = False
    workers: int | None = None
    copy_mode: str = 'copy'
    overwrite: bool = False

    @property
    def subsets(self) -> Sequence[str]:
        """The subsets to build, in order."""
        return {'all': SUBSETS, 'msmi': ('ms', 'msmi')}.get(self.subset, (self.subset,))

    @property
    def sampling_options(self) -> dict[str, Any]:
        """The options that determine the samples, for the manifest."""
        return {name: getattr(self, name) for name in _DECIDING}


def make_parts(options: BuildOptions) -> list[ImagePart]:
    """Pairs annotation files, image folders, caption files and splits by position.

    Raises:
        ValueError: Their numbers differ, or a split is unknown.
        FileNotFoundError: A file or folder does not exist.
    """
    instances, captions, splits = options.instances, options.captions, options.splits
    if not instances:
        raise ValueError('--instances needs at least one COCO instances file')
    for option, values in (
        ('--images', options.images),
        ('--captions', captions or instances),
        ('--splits', splits or instances),
    ):
        if len(values) != len(instances):
            raise ValueError(
                f'{option} has {len(values)} entries for {len(instances)} --instances files; give one '
                'for each, in the same order'
            )
    for split in splits:
        if split not in ('auto', *SPLITS):
            raise ValueError(f'--splits takes auto, {", ".join(SPLITS)}, got {split!r}')
    if 'val' in splits and not options.val_fraction:
        raise ValueError('--splits val needs a --val-fraction above 0, which is its fraction of the recordings')
    for path in (*instances, *options.images, *captions):
        check_exists(path)
    return [
        ImagePart(
            instances[i],
            options.images[i],
            captions[i] if captions else None,
            splits[i] if splits and splits[i] != 'auto' else None,
        )
        for i in range(len(instances))
    ]


def check_exists(path: str) -> None:
    """Raises FileNotFoundError if a path does not exist."""
    if not os.path.exists(path):
        raise FileNotFoundError(f'{path} does not exist')


def expected_splits(parts: Sequence[ImagePart], options: BuildOptions) -> list[str]:
    """The splits that the options define."""
    wanted = {part.fixed_split for part in parts}
    if None in wanted:
        wanted |= {'train', *(s for s in ('val', 'test') if getattr(options, f'{s}_fraction'))}
    return [s for s in SPLITS if s in wanted]


def check_options(options: BuildOptions) -> None:
    """Checks all options except the lists of files, which :func:`make_parts` checks.

    Raises:
        ValueError: A value is out of range; the message names the option.
        FileNotFoundError: An input does not exist.
    """
    if options.subset not in (*SUBSETS, 'all'):
        raise ValueError(f'subset must be one of {", ".join(SUBSETS)}, all; got {options.subset!r}')
    if options.copy_mode not in COPY_MODES:
        raise ValueError(f'--copy-mode must be one of {", ".join(COPY_MODES)}; got {options.copy_mode!r}')
    for name in ('test_fraction', 'val_fraction', 'min_area'):
        if not 0 <= getattr(options, name) < 1:
            raise ValueError(f'--{name.replace("_", "-")} must lie in [0, 1), got {getattr(options, name)}')
    for name in ('max_sources', 'min_candidates', 'max_per_class', 'workers'):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ValueError(f'--{name.replace("_", "-")} must be at least 1, got {value}')
    for path in (options.sounds_csv, options.sounds, *filter(None, [options.classes])):
        check_exists(path)

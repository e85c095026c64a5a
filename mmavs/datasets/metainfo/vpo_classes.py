"""The class table of a VPO-style dataset, read from a YAML file.

The dataset and the builder use the same table of mask values, class indices and VGGSound labels.
"""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

DEFAULT_CLASS_FILE = Path(__file__).with_name('vpo_classes.yaml')


@dataclass(frozen=True)
class SoundingClass:
    """One class of sounding objects.

    Attributes:
        name: The class, e.g. ``'cell phone'``.
        coco: Name of the COCO category whose instances belong to it.
        mask_id: Value of its pixels in mask PNGs, 1 to 254.
        sounds: VGGSound labels of its recordings.
        captions: ``{'singular': [...], 'plural': [...]}``, words of a caption that distinguish this class from others
            of the same COCO category, or None if the category is sufficient.
    """

    name: str
    coco: str
    mask_id: int
    sounds: tuple[str, ...]
    captions: dict[str, list[str]] | None = None


@dataclass(frozen=True)
class ClassTable:
    """All sounding classes in index order; without background, which has index 0."""

    path: str
    classes: tuple[SoundingClass, ...]
    unclear_captions: tuple[str, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """Class names with ``'background'`` first: ``names[i]`` is class index i."""
        return ('background', *(c.name for c in self.classes))

    @property
    def mask_ids(self) -> tuple[int, ...]:
        """Mask values in index order: ``mask_ids[i]`` is the PNG value of class index i."""
        return (0, *(c.mask_id for c in self.classes))


@cache
def load_class_table(path: str | None = None) -> ClassTable:
    """Reads and checks a class file (see ``vpo_classes.yaml`` for the format).

    Args:
        path: The YAML file; None for the 21 classes of VPO.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: The file is not a class file, or two classes have the same name or mask value; the message names
            the file and the entry.
    """
    path = str(path or DEFAULT_CLASS_FILE)
    with open(path, encoding='utf-8') as f:
        try:
            content = yaml.safe_load(f)
        except yaml.YAMLError as e:
            raise ValueError(f'{path}: not valid YAML: {e}') from e
    if not isinstance(content, dict) or not isinstance(content.get('classes'), list) or not content['classes']:
        raise ValueError(f"{path}: must have a list with the key 'classes'")
    classes = tuple(_parse_class(path, i, entry) for i, entry in enumerate(content['classes']))
    for attribute in ('name', 'mask_id'):
        values = [getattr(c, attribute) for c in classes]
        repeated = sorted({str(v) for v in values if values.count(v) > 1})
        if repeated:
            raise ValueError(f'{path}: {attribute} used by more than one class: {", ".join(repeated)}')
    return ClassTable(path, classes, tuple(content.get('unclear_captions') or ()))


def _parse_class(path: str, index: int, entry) -> SoundingClass:
    """Parses and checks one entry of the list ``classes``."""
    missing = [k for k in ('name', 'coco', 'mask_id', 'sounds') if not isinstance(entry, dict) or k not in entry]
    if missing:
        raise ValueError(f'{path}: entry {index} of classes has no {", ".join(missing)}: {entry}')
    mask_id = entry['mask_id']
    if not isinstance(mask_id, int) or not 1 <= mask_id <= 254:
        raise ValueError(f'{path}: mask_id of {entry["name"]!r} must be an integer from 1 to 254, got {mask_id!r}')
    if entry['name'] == 'background' or not isinstance(entry['sounds'], list) or not entry['sounds']:
        raise ValueError(f'{path}: class {entry["name"]!r} needs a name other than background, and a list of sounds')
    captions = entry.get('captions')
    if captions is not None and (not isinstance(captions, dict) or set(captions) - {'singular', 'plural'}):
        raise ValueError(
            f'{path}: captions of {entry["name"]!r} can only have the keys singular and plural, got {captions!r}'
        )
    return SoundingClass(entry['name'], entry['coco'], mask_id, tuple(map(str, entry['sounds'])), captions)

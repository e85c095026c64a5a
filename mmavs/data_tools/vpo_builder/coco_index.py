"""COCO annotation files as a compact index: 118,000 images in a few hundred megabytes.

Each annotation is reduced while the file is being parsed; the parsed form of the whole file never exists.
"""

import json
import os
import re
from array import array
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pycocotools import mask as coco_mask
from tqdm import tqdm

from .caption_rule import CaptionRule


class Annotation(NamedTuple):
    """One annotated object.

    Attributes:
        id: The annotation's id.
        category: COCO category by name.
        crowd: ``iscrowd``: a region with many objects that are not told apart.
        segmentation: Polygons, each as the bytes of float64 x, y, x, y, ... in pixels; or a compressed RLE
            ``{'size': [height, width], 'counts': bytes}``.
    """

    id: int
    category: str
    crowd: bool
    segmentation: tuple[bytes, ...] | dict[str, Any]


@dataclass(slots=True)
class CocoImage:
    """One image and its annotations of the wanted categories.

    Attributes:
        id: The image's id.
        path: The image file.
        height: Pixels.
        width: Pixels.
        fixed_split: The split that the user gave to its annotation file, or None.
        annotations: Its objects.
        said: What its captions say, see :class:`CaptionRule`.
    """

    id: int
    path: str
    height: int
    width: int
    fixed_split: str | None = None
    annotations: list[Annotation] = field(default_factory=list)
    said: int = 0


def load_instances(
    path: str, *, images_dir: str, wanted: Collection[str], fixed_split: str | None = None
) -> tuple[dict[int, CocoImage], list[str]]:
    """Reads a COCO instances file.

    Args:
        path: The JSON file.
        images_dir: Folder that its file names are relative to.
        wanted: Names of the categories to keep.
        fixed_split: Noted in each image.

    Returns:
        The images that have objects of these categories, by id, and the names of all categories of the file.

    Raises:
        ValueError: The file is not COCO instances; the message names it and what it lacks.
    """
    text = _read(path)
    names = _find_categories(path, text)
    kept = {i: name for i, name in names.items() if name in wanted}
    images: dict[int, CocoImage] = {}
    objects: dict[int, list[Annotation]] = {}

    def compact(entry: dict[str, Any]) -> dict[str, Any] | None:
        if 'category_id' in entry and 'image_id' in entry:
            if entry['category_id'] in kept:
                annotation = Annotation(
                    entry['id'],
                    kept[entry['category_id']],
                    bool(entry.get('iscrowd')),
                    _compact_segmentation(entry.get('segmentation')),
                )
                objects.setdefault(entry['image_id'], []).append(annotation)
            return None
        if 'file_name' in entry and 'id' in entry:
            if not isinstance(entry['id'], int):
                raise ValueError(f'{path}: image id {entry["id"]!r} is not a whole number; the output files need one')
            file_name = os.path.join(images_dir, entry['file_name'])
            images[entry['id']] = CocoImage(entry['id'], file_name, entry['height'], entry['width'], fixed_split)
            return None
        return entry

    content = _parse(path, text, compact)
    del text
    for key in ('images', 'annotations'):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise ValueError(f'{path}: no list {key!r}; --instances takes a COCO instances file')
        if any(entry is not None for entry in content[key]):
            raise ValueError(
                f'{path}: an entry of {key!r} lacks '
                + ("'id' or 'file_name'" if key == 'images' else "'image_id' or 'category_id'")
                + '; --instances takes a COCO instances file'
            )
    for image_id in objects.keys() & images.keys():
        images[image_id].annotations = sorted(objects[image_id], key=lambda a: a.id)
    return {i: images[i] for i in sorted(images) if images[i].annotations}, sorted(set(names.values()))


def load_captions(path: str, *, images: dict[int, CocoImage], rule: CaptionRule) -> None:
    """Reads a COCO captions file and adds what the captions say to the images, in place.

    Raises:
        ValueError: The file is not COCO captions.
    """
    found = 0

    def compact(entry: dict[str, Any]) -> dict[str, Any] | None:
        nonlocal found
        if 'caption' not in entry or 'image_id' not in entry:
            return entry
        found += 1
        image = images.get(entry['image_id'])
        if image is not None:
            image.said |= rule.read(entry['caption'])
        return None

    content = _parse(path, _read(path), compact)
    if not found and not (isinstance(content, dict) and content.get('annotations') == []):
        raise ValueError(
            f"{path}: no annotation has the keys 'image_id' and 'caption'; --captions takes a COCO captions file"
        )


def _read(path: str) -> str:
    try:
        with open(path, encoding='utf-8-sig') as f:
            return f.read()
    except UnicodeDecodeError as error:
        raise ValueError(f'{path}: not UTF-8 text: {error}') from error


def _parse(path: str, text: str, compact: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Any:
    """Parses JSON with ``compact`` as the object hook and a progress bar that counts annotations."""
    with tqdm(
        total=text.count('"image_id"'), desc=f'Reading {os.path.basename(path)}', unit='ann', mininterval=0.5
    ) as bar:
        done = 0

        def hook(entry: dict[str, Any]) -> dict[str, Any] | None:
            nonlocal done
            if 'image_id' in entry:
                done += 1
                if done % 2000 == 0:
                    bar.update(2000)
            return compact(entry)

        try:
            content = json.loads(text, object_hook=hook)
        except json.JSONDecodeError as error:
            raise ValueError(f'{path}: not valid JSON (cut off?): {error}') from error
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f'{path}: an entry is malformed or lacks a key: {error!r}') from error
        bar.update(done % 2000)
    return content


def _find_categories(path: str, text: str) -> dict[int, str]:
    """Looks the categories up before the rest is parsed: in COCO's files they come last."""
    for match in re.finditer(r'"categories"\s*:\s*(?=\[)', text):
        try:
            entries, _ = json.JSONDecoder().raw_decode(text, match.end())
            return {entry['id']: entry['name'] for entry in entries}
        except (ValueError, KeyError, TypeError):
            continue
    raise ValueError(
        f"{path}: no list 'categories' of entries with 'id' and 'name'; --instances takes a COCO instances file"
    )


def _compact_segmentation(segmentation: Any) -> tuple[bytes, ...] | dict[str, Any]:
    """See :class:`Annotation`. Float64 keeps the rasterised mask exactly that of pycocotools."""
    if isinstance(segmentation, dict):
        height, width = segmentation['size']
        if isinstance(segmentation['counts'], list):
            return coco_mask.frPyObjects(segmentation, height, width)
        return {'size': [height, width], 'counts': segmentation['counts'].encode('ascii')}
    return tuple(array('d', polygon).tobytes() for polygon in segmentation or () if len(polygon) >= 6)

"""COCO annotation files as a compact index: 118,000 images in a few hundred megabytes.

Each annotation is reduced while the file is parsed, so that the parsed form of the complete file is not in memory.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .caption_rule import CaptionRule
from .coco_json import find_categories, parse_json, read_text
from .exclusions import Exclusions
from .segmentation import (
    FORM,
    Segmentation,
    SegmentationFormError,
    UnusableSegmentationError,
    compact_segmentation,
)


class Annotation(NamedTuple):
    """One annotated object.

    Attributes:
        id: The annotation's id, unique in its image among annotations with a segmentation.
        category: Name of the COCO category.
        crowd: ``iscrowd``: a region with many objects that are not separated.
        segmentation: None if it is invalid. Such an object cannot be a sounding object, but counts as an instance of
            its category in the image.
    """

    id: int
    category: str
    crowd: bool
    segmentation: Segmentation | None


@dataclass(slots=True)
class CocoImage:
    """One image and its annotations of the wanted categories.

    Attributes:
        id: The image's id.
        path: The image file.
        height: Pixels.
        width: Pixels.
        fixed_split: The split that the user chose for its annotation file, or None.
        annotations: Its objects, by id.
        caption_bits: Content of its captions, see :class:`CaptionRule`.
    """

    id: int
    path: str
    height: int
    width: int
    fixed_split: str | None = None
    annotations: list[Annotation] = field(default_factory=list)
    caption_bits: int = 0


class Instances(NamedTuple):
    """Content of a COCO instances file.

    Attributes:
        images: The images that have objects of the wanted categories, by id.
        categories: Names of all categories, in the spelling of the wanted ones where only the case differs.
        dropped: Annotations of the wanted categories that cannot be used.
    """

    images: dict[int, CocoImage]
    categories: list[str]
    dropped: Exclusions


def load_instances(path: str, *, images_dir: str, wanted: Collection[str], fixed_split: str | None = None) -> Instances:
    """Reads a COCO instances file.

    Args:
        path: The JSON file.
        images_dir: Folder of the images, to which file names are relative.
        wanted: Names of the categories to keep; case is ignored.
        fixed_split: Stored in each image.

    Raises:
        ValueError: The file is not valid JSON or not a COCO instances file; the message names the file, the entry and
            the required form.
    """
    text = read_text(path)
    names = _match_case(find_categories(path, text), wanted)
    kept = {i: name for i, name in names.items() if name in wanted}
    reader = _InstancesReader(path, images_dir, kept, fixed_split)
    content = parse_json(path, text, reader.compact)
    del text
    for key, needed in (('images', "'id' and 'file_name'"), ('annotations', "'image_id' and 'category_id'")):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise ValueError(f'{path}: no list {key!r}; --instances takes a COCO instances file')
        for number, entry in enumerate(content[key]):
            if entry is not None:
                name = f' (id {entry["id"]!r})' if isinstance(entry, dict) and 'id' in entry else ''
                raise ValueError(
                    f'{path}: entry {number} of {key!r}{name} needs {needed}; --instances takes a COCO instances file'
                )
    return Instances(reader.collect(), sorted(set(names.values())), reader.dropped)


def _match_case(names: dict[int, str], wanted: Collection[str]) -> dict[int, str]:
    spelling = {name.casefold(): name for name in wanted}
    return {i: name if name in wanted else spelling.get(name.casefold(), name) for i, name in names.items()}


class _InstancesReader:
    """Collects images and annotations while the JSON text is parsed.

    Args:
        path: The file, for messages.
        images_dir: Folder of the images.
        kept: Names of the categories to keep, by id.
        fixed_split: See :class:`CocoImage`.
    """

    def __init__(self, path: str, images_dir: str, kept: dict[int, str], fixed_split: str | None) -> None:
        self.path, self.images_dir, self.kept, self.fixed_split = path, images_dir, kept, fixed_split
        self.dropped = Exclusions()
        self._images: dict[int, CocoImage] = {}
        self._objects: dict[Any, list[Annotation]] = {}

    def compact(self, entry: dict[str, Any]) -> dict[str, Any] | None:
        """Object hook of the parser: stores images and annotations and returns None for them; returns other objects."""
        if 'category_id' in entry and 'image_id' in entry:
            self._add_annotation(entry)
            return None
        if 'file_name' in entry and 'id' in entry:
            self._add_image(entry)
            return None
        return entry

    def _add_annotation(self, entry: dict[str, Any]) -> None:
        category = self.kept.get(self._number(entry, 'category_id', 'annotation'))
        if category is None:
            return
        image_id = self._number(entry, 'image_id', 'annotation')
        annotation_id = self._number(entry, 'id', 'annotation')
        try:
            segmentation = compact_segmentation(entry.get('segmentation'))
        except UnusableSegmentationError as error:
            self._drop(str(error), annotation_id, image_id)
            segmentation = None
        except SegmentationFormError as error:
            raise ValueError(
                f'{self.path}: `segmentation` of annotation {annotation_id} (image {image_id}) {error}; it must be '
                f'{FORM}'
            ) from None
        annotation = Annotation(annotation_id, category, bool(entry.get('iscrowd')), segmentation)
        self._objects.setdefault(image_id, []).append(annotation)

    def _add_image(self, entry: dict[str, Any]) -> None:
        image_id, height, width = (self._number(entry, key, 'image') for key in ('id', 'height', 'width'))
        name = entry['file_name']
        if not isinstance(name, str) or height < 1 or width < 1:
            raise ValueError(
                f'{self.path}: image {image_id} has the file name {name!r} and the size {width} x {height}; required '
                'are a string and a width and height of at least 1'
            )
        image = CocoImage(image_id, os.path.join(self.images_dir, name), height, width, self.fixed_split)
        other = self._images.setdefault(image_id, image)
        if other != image:
            raise ValueError(
                f'{self.path}: two images have the id {image_id}: {other.path} and {image.path}; ids must differ'
            )

    def _number(self, entry: dict[str, Any], key: str, what: str) -> int:
        value = entry.get(key)
        if type(value) is int or (type(value) is float and value.is_integer()):
            return int(value)
        others = {k: entry[k] for k in ('id', 'image_id', 'file_name') if k in entry and k != key}
        name = f'an {what}' + (f' ({", ".join(f"{k} {v!r}" for k, v in others.items())})' if others else '')
        problem = f'has the {key} {value!r}' if key in entry else f'has no {key!r}'
        raise ValueError(f'{self.path}: {name} {problem}; it must be an integer')

    def _drop(self, reason: str, annotation_id: int, image_id: int) -> None:
        self.dropped.add(reason, f'annotation {annotation_id} of image {image_id}')

    def collect(self) -> dict[int, CocoImage]:
        """The images with objects, after the complete file has been read."""
        for image_id, annotations in self._objects.items():
            image = self._images.get(image_id)
            if image is not None:
                image.annotations = self._check_annotations(image, annotations)
                continue
            for annotation in annotations:
                self._drop('the image is not in the file', annotation.id, image_id)
        return {i: self._images[i] for i in sorted(self._images) if self._images[i].annotations}

    def _check_annotations(self, image: CocoImage, annotations: list[Annotation]) -> list[Annotation]:
        """Sorts the annotations of an image; checks their ids, and the sizes of RLEs against that of the image."""
        checked: list[Annotation] = []
        taken: dict[int, Annotation] = {}
        for annotation in annotations:
            first = taken.get(annotation.id)
            if first == annotation:
                if annotation.segmentation is not None:  # otherwise it is already counted
                    self._drop('listed twice', annotation.id, image.id)
                continue
            if first is None or first.segmentation is None:
                taken[annotation.id] = annotation
            elif annotation.segmentation is not None:
                self._drop('id of another annotation of the image', annotation.id, image.id)
                annotation = annotation._replace(segmentation=None)
            shape = annotation.segmentation
            if isinstance(shape, dict) and list(shape['size']) != [image.height, image.width]:
                self._drop('size of the RLE differs from that of the image', annotation.id, image.id)
                annotation = annotation._replace(segmentation=None)
            checked.append(annotation)
        return sorted(checked, key=lambda a: a.id)


def load_captions(path: str, *, images: dict[int, CocoImage], rule: CaptionRule) -> None:
    """Reads a COCO captions file and adds the content of the captions to the images, in place.

    Raises:
        ValueError: The file is not valid JSON or not a COCO captions file.
    """
    found = 0

    def compact(entry: dict[str, Any]) -> dict[str, Any] | None:
        nonlocal found
        if 'caption' not in entry or 'image_id' not in entry:
            return entry
        found += 1
        if not isinstance(entry['caption'], str) or not isinstance(entry['image_id'], (int, str)):
            raise ValueError(
                f'{path}: the caption {entry["caption"]!r} of image {entry["image_id"]!r} must be a string, and the '
                'image id a number or string'
            )
        image = images.get(entry['image_id'])
        if image is not None:
            image.caption_bits |= rule.read(entry['caption'])
        return None

    content = parse_json(path, read_text(path), compact)
    if not found and not (isinstance(content, dict) and content.get('annotations') == []):
        raise ValueError(
            f"{path}: no annotation has the keys 'image_id' and 'caption'; --captions takes a COCO captions file"
        )

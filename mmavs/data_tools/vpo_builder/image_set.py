"""The annotated images: read, checked, and their objects assigned to classes."""

import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tqdm import tqdm

from mmavs.datasets.metainfo.vpo_classes import ClassTable
from mmavs.utils.files import stamp

from ..parallel import WorkerPool
from .cache import ResultCache
from .caption_rule import CaptionRule
from .coco_index import CocoImage, load_captions, load_instances
from .exclusions import Exclusions
from .inspection import InspectionJob, inspect_image
from .sampling import Candidate, Pool, Scene, image_split

log = logging.getLogger(__name__)
_INSPECTION_VERSION = 2  # version of inspect_image: stored results of another version are not used


class ImagePart(NamedTuple):
    """One annotation file with its images and captions, such as COCO's train2017."""

    instances: str
    images: str
    captions: str | None
    fixed_split: str | None


@dataclass
class ImageSet:
    """The images of all parts.

    Attributes:
        table: The classes.
        images: By id.
        rule: Interprets captions.
        missing: Names of the classes whose COCO category is in no annotation file.
        dropped: Annotations that cannot be used.
    """

    table: ClassTable
    images: dict[int, CocoImage]
    rule: CaptionRule
    missing: list[str]
    dropped: Exclusions
    _plain: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._plain = {c.coco: i for i, c in enumerate(self.table.classes) if c.captions is None}

    def classes_of(self, image: CocoImage) -> dict[str, int]:
        """Class of each COCO category in the image, without categories whose captions are ambiguous."""
        single = Counter(a.category for a in image.annotations if not a.crowd)
        crowds = {a.category for a in image.annotations if a.crowd}
        found = {}
        for category in single.keys() | crowds:
            cls = self._plain.get(category)
            if cls is None:
                cls = self.rule.decide(category, image.caption_bits, count=single[category], crowd=category in crowds)
            if cls is not None:
                found[category] = cls
        return found

    def counts(self, image: CocoImage) -> tuple[tuple[int, int], ...]:
        """(class, number of instances) of the image; a crowd counts as two."""
        classes = self.classes_of(image)
        counts: Counter = Counter()
        for a in image.annotations:
            if a.category in classes:
                counts[classes[a.category]] += 2 if a.crowd else 1
        return tuple(sorted(counts.items()))

    def objects(self, image: CocoImage) -> list[tuple[int, int, Any]]:
        """(annotation id, class, segmentation) of the usable objects that are not crowds."""
        classes = self.classes_of(image)
        return [
            (a.id, classes[a.category], a.segmentation)
            for a in image.annotations
            if not a.crowd and a.category in classes and a.segmentation is not None
        ]

    def crowds(self, image: CocoImage) -> list[tuple[int, Any]]:
        """(class, segmentation) of the crowds."""
        classes = self.classes_of(image)
        return [
            (classes[a.category], a.segmentation)
            for a in image.annotations
            if a.crowd and a.category in classes and a.segmentation is not None
        ]

    def undecided(self) -> Exclusions:
        """Annotations whose class is ambiguous in the captions."""
        found = Exclusions()
        for image in self.images.values():
            classes = self.classes_of(image)
            for a in image.annotations:
                if a.category not in classes and a.segmentation is not None:
                    found.add('class not decided by the captions', f'annotation {a.id} of image {image.id}')
        return found


def load_images(parts: Sequence[ImagePart], table: ClassTable) -> ImageSet:
    """Reads all annotation and caption files.

    Raises:
        ValueError: A file has another format, two parts have an image id in common, or no class of the table is
            annotated.
    """
    _check_shared_categories(table)
    wanted = {c.coco for c in table.classes}
    loaded, categories, dropped = [], set(), Exclusions()
    for part in parts:
        found = load_instances(part.instances, images_dir=part.images, wanted=wanted, fixed_split=part.fixed_split)
        loaded.append(found.images)
        categories.update(found.categories)
        dropped.update(found.dropped)
    missing = _missing_classes(parts, table, categories)
    rule = CaptionRule(table, sorted(categories))
    merged: dict[int, CocoImage] = {}
    for part, images in zip(parts, loaded, strict=True):
        shared = merged.keys() & images.keys()
        if shared:
            raise ValueError(
                f'{part.instances}: image id {min(shared)} is also in another --instances file; output files are named '
                'by the ids, which must differ'
            )
        if part.captions and rule.categories:
            load_captions(part.captions, images=images, rule=rule)
        merged.update(images)
    if rule.categories and not all(p.captions for p in parts):
        names = [c.name for c in table.classes if c.captions is not None]
        log.warning('Parts without --captions have no samples of %s, which only captions distinguish', ', '.join(names))
    return ImageSet(table, merged, rule, missing, dropped)


def _missing_classes(parts: Sequence[ImagePart], table: ClassTable, categories: set[str]) -> list[str]:
    missing = [c for c in table.classes if c.coco not in categories]
    if len(missing) == len(table.classes):
        wanted = ', '.join(sorted({c.coco for c in missing}))
        raise ValueError(
            f'{parts[0].instances} has no category of {table.path}: {wanted}; correct `coco` of the classes, or choose '
            'other --instances'
        )
    if missing:
        log.warning(
            'No annotation file has the COCO category of %s: no samples; if it is misspelled, correct `coco` in %s',
            ', '.join(repr(c.name) for c in missing),
            table.path,
        )
    return [c.name for c in missing]


def _check_shared_categories(table: ClassTable) -> None:
    sharing = Counter(c.coco for c in table.classes)
    for c in table.classes:
        if sharing[c.coco] > 1 and c.captions is None:
            raise ValueError(
                f'{table.path}: class {c.name!r} shares the COCO category {c.coco!r} with another class and needs '
                '`captions` that distinguish them'
            )
        if os.path.basename(c.name) != c.name or c.name in ('', '.', '..'):
            raise ValueError(f'{table.path}: class {c.name!r} cannot be the name of a folder')


def inspect_images(
    image_set: ImageSet, *, min_area: float, cache_file: str, fingerprint: str, pool: WorkerPool
) -> dict[int, dict[str, Any]]:
    """Runs :func:`inspect_image` on every image with an object of a known class; results by image id."""
    digest = hashlib.sha256(json.dumps([_INSPECTION_VERSION, fingerprint, min_area]).encode()).hexdigest()
    results: dict[int, dict[str, Any]] = {}
    todo, stamps = [], {}
    with ResultCache(cache_file, digest) as cache:
        for image in image_set.images.values():
            if not image_set.objects(image):
                continue
            stamps[image.id] = stamp(image.path)
            if stamps[image.id] is None:
                results[image.id] = {'problem': 'URL instead of a file name' if '://' in image.path else 'missing'}
            elif (known := cache.get(str(image.id), stamps[image.id])) is not None:
                results[image.id] = known
            else:
                todo.append(image)
        checked = pool.map(
            inspect_image, _inspection_jobs(image_set, todo, min_area), total=len(todo), desc='Checking images'
        )
        for image, result in zip(todo, checked, strict=True):
            cache.put(str(image.id), stamps[image.id], result)
            results[image.id] = result
    return results


def _inspection_jobs(image_set: ImageSet, images: Sequence[CocoImage], min_area: float) -> Iterator[InspectionJob]:
    for image in images:
        objects = [(ann_id, segmentation) for ann_id, _, segmentation in image_set.objects(image)]
        yield InspectionJob(image.path, image.height, image.width, objects, min_area)


def make_scenes(
    image_set: ImageSet,
    inspected: dict[int, dict[str, Any]],
    pool: Pool,
    *,
    seed: int,
    test_fraction: float,
    val_fraction: float,
) -> list[Scene]:
    """The usable images and their candidates: objects of classes with recordings in the split of the image."""
    scenes = []
    for image_id, result in tqdm(inspected.items(), desc='Dividing images', delay=1):
        if 'problem' in result:
            continue
        image = image_set.images[image_id]
        split = image_split(
            image_id, seed=seed, test_fraction=test_fraction, val_fraction=val_fraction, fixed=image.fixed_split
        )
        classes = {ann_id: cls for ann_id, cls, _ in image_set.objects(image)}
        candidates = tuple(
            Candidate(ann_id, classes[ann_id], position)
            for ann_id, _, position in result['objects']
            if pool.get(split, {}).get(classes[ann_id])
        )
        if candidates:
            scenes.append(Scene(image_id, split, candidates, image_set.counts(image)))
    return sorted(scenes)

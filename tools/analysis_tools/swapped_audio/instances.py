"""Objects in the pictures, sounding or not, from a COCO instances file."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from mmavs.data_tools.vpo_builder.coco_json import find_categories, parse_json, read_text
from mmavs.data_tools.vpo_builder.masks import rasterize
from mmavs.data_tools.vpo_builder.segmentation import UnusableSegmentationError, compact_segmentation

LEAST_SHARE = 0.01
"""Minimum share of the picture of a silent object, so that an IoU with it is meaningful."""


def image_id(img_path: str) -> int | None:
    """The id of an image of COCO and VPO, whose file name has 12 digits; None for other images."""
    stem = Path(img_path).stem
    return int(stem) if re.fullmatch(r'\d{12}', stem) else None


class Objects:
    """Masks of the objects in pictures, by class.

    Args:
        path: COCO instances file.
        ids: Ids of the images of interest.
        classes: Names of the classes of the dataset; categories with other names are left out.

    Raises:
        ValueError: The file is not a COCO instances file, or has no object in any of the images.
    """

    def __init__(self, path: str, ids: Collection[int], classes: Sequence[str]) -> None:
        ids, index = set(ids), {name: i for i, name in enumerate(classes)}
        text = read_text(path)
        names = find_categories(path, text)
        self._found: dict[int, list[tuple[int, object]]] = {}

        def keep(entry: dict) -> dict | None:
            if 'segmentation' not in entry:
                return entry
            label = index.get(names.get(entry.get('category_id')))
            if entry.get('image_id') in ids and label:
                self._found.setdefault(entry['image_id'], []).append((label, entry['segmentation']))
            return None

        parse_json(path, text, keep)
        if not self._found:
            raise ValueError(
                f'{path} has no object of the classes of the dataset in its pictures: give the instances file from '
                'which the set was built'
            )

    def classes(self, image: int) -> set[int]:
        """The classes of the objects in a picture."""
        return {label for label, _ in self._found.get(image, ())}

    def mask(self, image: int, label: int, size: Sequence[int]) -> np.ndarray:
        """The objects of a class, bool (H, W) = ``size``; polygons are in the coordinates of a picture of this size."""
        mask = np.zeros(tuple(size), bool)
        for found, segmentation in self._found.get(image, ()):
            if found != label:
                continue
            try:
                rle = rasterize(compact_segmentation(segmentation), height=size[0], width=size[1])
            except UnusableSegmentationError:
                continue
            pixels = coco_mask.decode(rle)
            if pixels.shape != mask.shape:  # an RLE has the size of the image file, which may be resized
                pixels = cv2.resize(pixels, mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
            mask |= pixels.astype(bool)
        return mask

    def silent(self, image: int, sounding: Collection[int], size: Sequence[int]) -> tuple[int, np.ndarray] | None:
        """The largest silent class in a picture, and its mask; None if there is none that is large enough."""
        masks = {label: self.mask(image, label, size) for label in sorted(self.classes(image) - set(sounding))}
        masks = {label: mask for label, mask in masks.items() if mask.mean() >= LEAST_SHARE}
        if not masks:
            return None
        label = max(masks, key=lambda label: masks[label].sum())
        return label, masks[label]

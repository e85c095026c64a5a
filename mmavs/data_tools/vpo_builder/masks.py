"""Rasterised annotations and mask images made of them."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from mmavs.datasets.metainfo.vpo_classes import IGNORE_INDEX


def rasterise(segmentation: tuple[bytes, ...] | dict[str, Any], *, height: int, width: int) -> dict[str, Any]:
    """Pixels of one annotation, as pycocotools draws them.

    Args:
        segmentation: As in :class:`Annotation`.
        height: Of the image, pixels.
        width: Of the image, pixels.

    Returns:
        A compressed RLE, which pycocotools' functions take; empty for an annotation without polygon.

    Raises:
        ValueError: The RLE is that of an image of another size.
    """
    if isinstance(segmentation, dict):
        if list(segmentation['size']) != [height, width]:
            raise ValueError(f'RLE of size {segmentation["size"]} in an image of {height} x {width}')
        return segmentation
    if not segmentation:
        return coco_mask.encode(np.zeros((height, width), np.uint8, order='F'))
    polygons = [np.frombuffer(p, np.float64) for p in segmentation]
    return coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))


def drawing_order(sizes: dict[int, int]) -> list[int]:
    """Annotation ids from the largest to the smallest mask, so that a small object lies on top of a large one.

    Args:
        sizes: Number of pixels by annotation id. Of equal ones the lower id comes first.
    """
    return sorted(sizes, key=lambda i: (-sizes[i], i))


def draw_mask(
    layers: Iterable[tuple[int, tuple[bytes, ...] | dict[str, Any]]], *, height: int, width: int
) -> np.ndarray:
    """Draws annotations over each other.

    Args:
        layers: Pixel value and segmentation, from the bottom to the top.
        height: Of the image, pixels.
        width: Of the image, pixels.

    Returns:
        uint8 (height, width), 0 where nothing was drawn.
    """
    mask = np.zeros((height, width), np.uint8, order='F')  # as pycocotools' masks are
    for value, segmentation in layers:
        try:
            pixels = coco_mask.decode(rasterise(segmentation, height=height, width=width))
        except ValueError:
            if value != IGNORE_INDEX:  # objects were rasterised before they were chosen; a crowd was not
                raise
            continue
        mask[pixels.view(bool)] = value
    return np.ascontiguousarray(mask)

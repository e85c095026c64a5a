"""Rasterization of annotations, and mask images."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from .segmentation import Segmentation


def rasterize(segmentation: Segmentation, *, height: int, width: int) -> dict[str, Any]:
    """Rasterizes one annotation by pycocotools.

    Args:
        segmentation: As :func:`compact_segmentation` returns it; an RLE must have the size of the image.
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Returns:
        A compressed RLE of pycocotools.
    """
    if isinstance(segmentation, dict):
        return segmentation
    polygons = [np.frombuffer(p, np.float64) for p in segmentation]
    return coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))


def drawing_order(sizes: dict[int, int]) -> list[int]:
    """Annotation ids from the largest to the smallest mask, so that small objects are drawn over large ones.

    Args:
        sizes: Number of pixels by annotation id. Masks of equal size are sorted by id.
    """
    return sorted(sizes, key=lambda i: (-sizes[i], i))


def draw_mask(layers: Iterable[tuple[int, Segmentation]], *, height: int, width: int) -> np.ndarray:
    """Draws annotations in the given order.

    Args:
        layers: Pixel value and segmentation, from the bottom to the top.
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Returns:
        uint8 (height, width), 0 where nothing was drawn.
    """
    mask = np.zeros((height, width), np.uint8, order='F')  # memory order of pycocotools' masks
    for value, segmentation in layers:
        pixels = coco_mask.decode(rasterize(segmentation, height=height, width=width))
        mask[pixels.view(bool)] = value
    return np.ascontiguousarray(mask)

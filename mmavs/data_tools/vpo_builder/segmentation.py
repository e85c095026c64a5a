"""COCO segmentations in compact form, checked before pycocotools reads them.

pycocotools checks neither coordinates nor run lengths: invalid ones crash the process or fill its memory.
"""

import math
from array import array
from typing import Any, TypeAlias

import numpy as np
from pycocotools import mask as coco_mask

Segmentation: TypeAlias = tuple[bytes, ...] | dict[str, Any]
"""Polygons, each as the bytes of float64 x, y, x, y, ... in pixels; or a compressed RLE
``{'size': [height, width], 'counts': bytes}``."""

FORM = (
    "a list of polygons [[x1, y1, x2, y2, x3, y3, ...], ...] or an RLE {'size': [height, width], 'counts': a string or "
    'a list of run lengths}'
)
"""Required form of ``segmentation``, for messages."""

_LARGEST_COORDINATE = 65536  # a JPEG has at most 65,535 pixels per side; pycocotools allocates memory for every pixel
_MOST_GROUPS = 7  # groups of 5 bits for run lengths of 32 bits


class UnusableSegmentationError(ValueError):
    """A segmentation has the right form but gives no mask; the message is the reason in a few words."""


class SegmentationFormError(ValueError):
    """The segmentation has another form than COCO's; the message describes it."""


def compact_segmentation(segmentation: Any) -> Segmentation:
    """Checks and converts the value of ``segmentation`` of a COCO annotation.

    Polygons with fewer than three points are left out if there are others, as in pycocotools. Coordinates are float64,
    so that the mask is identical to that of pycocotools.

    Raises:
        UnusableSegmentationError: It has no polygon of three points, coordinates that are not finite or too large, or
            run lengths that do not add up to the size.
        SegmentationFormError: It is neither a list of polygons nor an RLE.
    """
    if segmentation is None or segmentation == [] or segmentation == {}:
        raise UnusableSegmentationError('no segmentation')
    if isinstance(segmentation, dict):
        return _compact_rle(segmentation)
    if not isinstance(segmentation, list):
        raise SegmentationFormError(f'is of type {type(segmentation).__name__}')
    if any(not isinstance(polygon, list) for polygon in segmentation):
        raise SegmentationFormError('is a flat list' if _is_number(segmentation[0]) else 'has parts that are not lists')
    points = len(segmentation) > 2 and all(len(polygon) == 2 for polygon in segmentation)
    if points or any(isinstance(first, list) for polygon in segmentation for first in polygon[:1]):
        raise SegmentationFormError('has points as pairs [x, y]')
    polygons = [_compact_polygon(polygon) for polygon in segmentation if len(polygon) >= 6]
    if not polygons:
        raise UnusableSegmentationError('polygon with fewer than three points')
    return tuple(polygons)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _compact_polygon(polygon: list) -> bytes:
    try:
        coordinates = array('d', polygon)
    except OverflowError:
        raise UnusableSegmentationError('NaN or infinite coordinate') from None
    except TypeError:
        raise SegmentationFormError('has coordinates that are not numbers') from None
    if len(coordinates) % 2:
        raise UnusableSegmentationError('polygon with an odd number of coordinates')
    if not math.isfinite(sum(coordinates)):
        raise UnusableSegmentationError('NaN or infinite coordinate')
    if max(coordinates) > _LARGEST_COORDINATE or min(coordinates) < -_LARGEST_COORDINATE:
        raise UnusableSegmentationError(f'coordinate beyond {_LARGEST_COORDINATE:,} pixels')
    return coordinates.tobytes()


def _compact_rle(rle: dict[str, Any]) -> dict[str, Any]:
    size, counts = rle.get('size'), rle.get('counts')
    if not isinstance(size, list) or len(size) != 2 or not all(type(n) is int and n > 0 for n in size):
        raise SegmentationFormError(f'is an RLE with the size {size!r}')
    if isinstance(counts, list):
        runs = _uncompressed_runs(counts)
    elif isinstance(counts, str):
        runs = decode_counts(counts)
    else:
        raise SegmentationFormError(f'is an RLE with counts of type {type(counts).__name__}')
    if runs is None or (runs < 0).any() or runs.sum() != size[0] * size[1]:
        raise UnusableSegmentationError('RLE counts do not decode to height x width pixels')
    if isinstance(counts, list):
        return coco_mask.frPyObjects({'size': size, 'counts': runs.tolist()}, *size)
    return {'size': size, 'counts': counts.encode('ascii')}


def _uncompressed_runs(counts: list) -> np.ndarray | None:
    """Run lengths as int64; None if some are not integers or too large."""
    if not all(_is_number(n) for n in counts):
        raise SegmentationFormError('is an RLE with counts that are not numbers')
    if not all(-(2**31) < n < 2**31 and n == int(n) for n in counts):  # comparisons with NaN are false
        return None
    return np.array([int(n) for n in counts], np.int64)


def decode_counts(counts: str) -> np.ndarray | None:
    """Run lengths of a compressed RLE, background first.

    The format is that of pycocotools: each number is written in groups of 5 bits, the lowest first, one character from
    ``'0'`` on for each group; bit 6 marks that another group follows, and bit 5 of the last group is the sign. From the
    fourth number on, the difference to the number before the last one is stored.

    Returns:
        int64 (runs,), or None if the text does not have this format.
    """
    if not counts or not counts.isascii():
        return None
    groups = np.frombuffer(counts.encode('ascii'), np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero(groups & 32 == 0)
    if groups.min() < 0 or groups.max() > 63 or not len(ends) or ends[-1] != len(groups) - 1:
        return None
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > _MOST_GROUPS:
        return None
    places = np.arange(len(groups)) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((groups & 31) << (5 * places), starts)
    numbers -= np.where(groups[ends] & 16, np.int64(1) << (5 * lengths), 0)
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers

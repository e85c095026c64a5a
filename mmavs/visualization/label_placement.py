"""Placement of class names: next to their objects, within the picture, and without overlap."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np

_MIN_SHARE = 0.002  # fraction of the pixels of a picture; smaller parts of a class get no name
_MIN_LARGEST = 0.0003  # the same for the largest part of a class
_MAX_LABELS = 12
_HIDDEN = 0.25  # share of a part that its name may cover
_GAP = 3  # pixels between object and name


class Box(NamedTuple):
    """Edges in pixels; ``right`` and ``bottom`` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def overlap(self, other: 'Box') -> int:
        """Common area in pixels."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0, width) * max(0, height)


class Part(NamedTuple):
    """A connected part of a class.

    Attributes:
        label: Class index.
        area: In pixels.
        box: Edges.
        center: (x, y), the pixel that is farthest from the part's edge.
    """

    label: int
    area: int
    box: Box
    center: tuple[int, int]


def find_parts(segments: np.ndarray, labels: list[int]) -> list[Part]:
    """The connected parts that get a name, the largest first.

    Args:
        segments: Class indices (H, W).
        labels: The classes.
    """
    parts = []
    for label in labels:
        mask = (segments == label).astype(np.uint8)
        _, components, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        order = np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind='stable') + 1
        for rank, index in enumerate(order):
            left, top, width, height, area = stats[index].tolist()
            if area < (_MIN_SHARE if rank else _MIN_LARGEST) * mask.size:
                break
            inner = np.pad(components[top : top + height, left : left + width] == index, 1).astype(np.uint8)
            y, x = divmod(int(cv2.distanceTransform(inner, cv2.DIST_L2, 3).argmax()), width + 2)
            box = Box(left, top, left + width, top + height)
            parts.append(Part(label, area, box, (left + x - 1, top + y - 1)))
    return sorted(parts, key=lambda part: -part.area)[:_MAX_LABELS]


def place_labels(
    segments: np.ndarray, parts: list[Part], size_of: Callable[[int], tuple[int, int]]
) -> list[tuple[int, Box]]:
    """The class and the box of the name of each part.

    The candidates are above, below, at the sides and inside of the part. The one that covers the fewest pixels of
    objects is used. If all candidates overlap with other names, the nearest free place is used.

    Args:
        segments: Class indices (H, W), 255 for pixels without a class.
        parts: See :func:`find_parts`.
        size_of: Class index -> (width, height) of its name, in pixels.
    """
    height, width = segments.shape
    placed: list[tuple[int, Box]] = []
    for part in parts:
        size = size_of(part.label)
        boxes = list(_candidates(part, *size, width, height))
        free = [box for box in boxes if not any(box.overlap(other) for _, other in placed)]
        free = free or _nearest_free(part, *size, width, height, [other for _, other in placed])
        if free:
            placed.append((part.label, min(free, key=lambda box: _cost(segments, part, box))))
    return placed


def _cost(segments: np.ndarray, part: Part, box: Box) -> float:
    """Pixels of objects below a name; those of other classes count three times, and hiding a small part ten times.

    A place at a side costs as much as one inside, since a name at a side may seem to belong to what stands there.
    """
    below = segments[box.top : box.bottom, box.left : box.right]
    own = int((below == part.label).sum())
    others = int((below != 255).sum()) - own
    hidden = 10 * own if own > _HIDDEN * part.area else own
    at_side = box.left >= part.box.right or box.right <= part.box.left
    return hidden + 3 * others + (1.1 * below.size if at_side else 0)


def _nearest_free(
    part: Part, width: int, height: int, picture_width: int, picture_height: int, taken: list[Box]
) -> list[Box]:
    """The free place on a grid that is closest to the center of a part; empty if there is none."""
    found, shortest = [], np.inf
    for top in range(0, picture_height - height + 1, max(1, height // 2)):
        for left in range(0, picture_width - width + 1, max(1, height // 2)):
            box = Box(left, top, left + width, top + height)
            dx = max(0, part.center[0] - box.right, left - part.center[0])
            dy = max(0, part.center[1] - box.bottom, top - part.center[1])
            if dx + dy < shortest and not any(box.overlap(other) for other in taken):
                found, shortest = [box], dx + dy
    return found


def _candidates(part: Part, width: int, height: int, picture_width: int, picture_height: int) -> Iterator[Box]:
    """Boxes of the size (width, height) next to or inside a part, all within the picture."""
    left, top, right, bottom = part.box
    x, y = part.center
    middle = x - width // 2
    above, below = top - height - _GAP, bottom + _GAP
    for a, b in ((middle, above), (middle, below), *((a, b) for b in (above, below) for a in (left, right - width))):
        if 0 <= b <= picture_height - height:
            yield _within(a, b, width, height, picture_width, picture_height)
    for a in (right + _GAP, left - width - _GAP):
        if 0 <= a <= picture_width - width:
            yield _within(a, y - height // 2, width, height, picture_width, picture_height)
    for b in (top + _GAP, bottom - height - _GAP, y - height // 2):
        yield _within(middle, b, width, height, picture_width, picture_height)


def _within(left: int, top: int, width: int, height: int, picture_width: int, picture_height: int) -> Box:
    """A box moved into the picture."""
    left, top = max(0, min(left, picture_width - width)), max(0, min(top, picture_height - height))
    return Box(left, top, left + width, top + height)

"""Class maps over an image, with the names of the classes."""

from collections.abc import Sequence

import cv2
import numpy as np

from .label_placement import Box, find_parts, place_labels
from .text import Color, draw_text, line_height, shorten, text_width

NO_CLASS = 255
_BORDER = 2
_WHITE = (255, 255, 255)


def draw_overlay(
    image: np.ndarray, segments: np.ndarray, palette: Sequence[Color], *, alpha: float = 0.6, background: int | None = 0
) -> np.ndarray:
    """Colors the objects of an image.

    The image is converted to gray below the colors, so that a color looks the same on every object. Objects have white
    outlines. Pixels to ignore are hatched.

    Args:
        image: RGB, uint8, (H, W, 3).
        segments: Class indices (H, W), 255 for pixels to ignore.
        palette: RGB of each class.
        alpha: Opacity of the colors, from 0 to 1.
        background: Index of the class that is not colored, or None.

    Returns:
        np.ndarray: RGB, uint8, (H, W, 3).
    """
    gray = np.repeat(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    drawn = gray.copy()
    for label in present_classes(segments, len(palette), background):
        mask = segments == label
        drawn[mask] = (gray[mask] * (1 - alpha) + np.array(palette[label]) * alpha).round().astype(np.uint8)
    objects = np.where((segments >= len(palette)) | (segments == background), NO_CLASS, segments).astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    drawn[cv2.dilate(objects, kernel) != cv2.erode(objects, kernel)] = _WHITE
    rows, columns = np.indices(segments.shape)
    hatched = (segments == NO_CLASS) & ((rows + columns) % 12 < 2)
    drawn[hatched] = 255 - (255 - drawn[hatched]) // 3
    return drawn


def present_classes(segments: np.ndarray, num_classes: int, background: int | None = 0) -> list[int]:
    """The classes with pixels in ``segments``, except background."""
    return [label for label in np.unique(segments).tolist() if label < num_classes and label != background]


def draw_names(
    picture: np.ndarray,
    segments: np.ndarray,
    classes: Sequence[str],
    palette: Sequence[Color],
    *,
    size: int,
    background: int | None = 0,
) -> list[tuple[int, Box]]:
    """Writes the names of the classes next to their objects, in place.

    Args:
        picture: RGB, uint8, (H, W, 3).
        segments: Class indices (H, W), 255 for pixels to ignore.
        classes: Names.
        palette: RGB of each class.
        size: Font size in pixels.
        background: Index of the class without a name, or None.

    Returns:
        list: Class index and box of each name.
    """
    height, width = segments.shape
    labels = present_classes(segments, len(classes), background)
    names = {label: shorten(classes[label], width - 4 * _BORDER, size) for label in labels}

    def size_of(label: int) -> tuple[int, int]:
        return min(width, text_width(names[label], size) + 4 * _BORDER), min(height, line_height(size) + 2 * _BORDER)

    objects = np.where(segments == background, NO_CLASS, segments)
    placed = place_labels(objects, find_parts(segments, labels), size_of)
    for label, box in placed:
        draw_tag(picture, names[label], box, palette[label], size=size)
    return placed


def draw_tag(picture: np.ndarray, text: str, box: Box, color: Color, *, size: int) -> None:
    """Writes black text on a white box with a border in a color, in place."""
    picture[box.top : box.bottom, box.left : box.right] = color
    inner = picture[box.top + _BORDER : box.bottom - _BORDER, box.left + _BORDER : box.right - _BORDER]
    inner[...] = _WHITE
    draw_text(picture, text, box.left + 2 * _BORDER, box.top + _BORDER, size=size)

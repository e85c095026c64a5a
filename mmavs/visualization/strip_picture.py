"""A strip of frames, their ground truth and the predictions of several models, as in Fig. 5 of the paper."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from .overlay import draw_names, draw_overlay, present_classes
from .strips import draw_class_line
from .text import Color, draw_text, line_height, shorten, text_width

_GAP = 4
_FONT = 16


def draw_strip(
    images: Sequence[np.ndarray],
    rows: Mapping[str, Sequence[np.ndarray]],
    classes: Sequence[str],
    palette: Sequence[Color],
    *,
    titles: Sequence[str] | None = None,
    width: int = 220,
    with_names: bool = True,
) -> np.ndarray:
    """Draws the strip: a column for each image, a row for the images and for each entry of ``rows``.

    Args:
        images: RGB, uint8, (H, W, 3); all rows are scaled to the height of the first.
        rows: Name -> class indices (H, W) of each image, 255 for pixels to ignore.
        classes: Names of the classes.
        palette: RGB of each class.
        titles: A title for each column.
        width: Width of a column in pixels; it is increased if the picture is narrower than 640 pixels.
        with_names: Writes the class names next to the objects.

    Returns:
        np.ndarray: RGB, uint8, (height, width, 3). The last line lists the classes.
    """
    background = 0 if classes[0] == 'background' else None
    margin = min(260, max(text_width(name, _FONT) for name in ('image', *rows)) + 3 * _GAP)
    width = max(width, -(-(640 - margin) // len(images)))
    height = round(images[0].shape[0] * width / images[0].shape[1])
    frames = [cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC) for image in images]
    lines = [] if titles is None else [_title_row(titles, margin, width)]
    lines.append(_row('image', frames, margin))
    present: set[int] = set()
    for name, maps in rows.items():
        cells = []
        for frame, segments in zip(frames, maps, strict=True):
            segments = cv2.resize(segments.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
            present |= set(present_classes(segments, len(classes), background))
            cell = draw_overlay(frame, segments, palette, background=background)
            if with_names:
                draw_names(cell, segments, classes, palette, size=_FONT - 2, background=background)
            cells.append(cell)
        lines.append(_row(name, cells, margin))
    entries = [(classes[label], palette[label]) for label in sorted(present)]
    lines.append(draw_class_line('classes', entries, lines[0].shape[1], size=_FONT))
    space = np.full((_GAP, lines[0].shape[1], 3), 255, np.uint8)
    return np.concatenate([part for line in lines for part in (line, space)][:-1])


def _row(name: str, cells: Sequence[np.ndarray], margin: int) -> np.ndarray:
    left = np.full((cells[0].shape[0], margin, 3), 255, np.uint8)
    top = (left.shape[0] - line_height(_FONT)) // 2
    draw_text(left, shorten(name, margin - 2 * _GAP, _FONT), _GAP, top, size=_FONT)
    space = np.full((left.shape[0], _GAP, 3), 255, np.uint8)
    return np.concatenate([left, *(part for cell in cells for part in (cell, space))][:-1], axis=1)


def _title_row(titles: Sequence[str], margin: int, width: int) -> np.ndarray:
    row = np.full((line_height(_FONT), margin + len(titles) * (width + _GAP) - _GAP, 3), 255, np.uint8)
    for i, title in enumerate(titles):
        draw_text(row, shorten(title, width, _FONT), margin + i * (width + _GAP), 0, size=_FONT)
    return row

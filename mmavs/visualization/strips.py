"""Strips above and below the panels of a picture: titles, positions of the sources, names of classes."""

from collections.abc import Sequence

import cv2
import numpy as np

from .text import Color, arrange, draw_text, line_height, shorten, text_width

_PAPER = (255, 255, 255)
_INK = (0, 0, 0)
_RULE = (150, 150, 150)
_PAD = 4
MARKER_ROWS = 16
"""Height in pixels of the row of markers."""


def draw_title(title: str, width: int, *, size: int) -> np.ndarray:
    """A strip (height, width, 3) with a title."""
    strip = np.full((line_height(size) + 2 * _PAD, width, 3), _PAPER, np.uint8)
    draw_text(strip, shorten(title, width - 2 * _PAD, size), _PAD, _PAD, size=size, color=_INK)
    return strip


def draw_positions(sources: Sequence[tuple[float, str, Color]], width: int, *, size: int) -> np.ndarray:
    """A strip with a marker and a name for each source, at its position from left to right.

    Args:
        sources: Position from 0 (left) to 1 (right), name and color of each source.
        width: Width in pixels, that of the image above.
        size: Font size in pixels.

    Returns:
        np.ndarray: RGB, uint8, (height, width, 3). Names that would overlap are on separate lines.
    """
    ends = [(_PAD, _PAD + text_width('L', size)), (width - _PAD - text_width('R', size), width - _PAD)]
    names = [shorten(name, width - 2 * _PAD, size) for _, name, _ in sources]
    lines: list[list[tuple[int, int]]] = [ends]
    places = []
    for (position, _, _), name in sorted(zip(sources, names, strict=True), key=lambda pair: pair[0][0]):
        length = text_width(name, size)
        left = round(position * (width - 1) - length / 2)
        left = max(0, min(left, width - length))
        line = next((i for i, taken in enumerate(lines) if _is_free(taken, left, left + length)), len(lines))
        if line == len(lines):
            lines.append([])
        lines[line].append((left, left + length))
        places.append((name, line, left))
    strip = np.full((MARKER_ROWS + len(lines) * line_height(size) + _PAD, width, 3), _PAPER, np.uint8)
    strip[MARKER_ROWS - 2] = _RULE
    for position, _, color in sources:
        _draw_marker(strip, round(position * (width - 1)), color)
    for text, line, left in [('L', 0, ends[0][0]), ('R', 0, ends[1][0]), *places]:
        color = _RULE if text in ('L', 'R') and line == 0 else _INK
        draw_text(strip, text, left, MARKER_ROWS + line * line_height(size), size=size, color=color)
    return strip


def draw_class_line(title: str, entries: Sequence[tuple[str, Color]], width: int, *, size: int) -> np.ndarray:
    """A strip with a title and names of classes with their colors; long lists take several lines.

    Args:
        title: The first word, such as ``'sounding'``.
        entries: Name and color of each class; an empty list gives the word "nothing".
        width: Width in pixels.
        size: Font size in pixels.
    """
    swatch = size
    indent = text_width(f'{title}:  ', size)
    room = width - indent - _PAD
    texts = [shorten(name, room - swatch - 2 * _PAD, size) for name, _ in entries] or ['nothing']
    widths = [text_width(text, size) + (swatch + _PAD if entries else 0) for text in texts]
    places = arrange(widths, room, gap=size)
    height = line_height(size)
    strip = np.full(((places[-1][0] + 1) * height + _PAD, width, 3), _PAPER, np.uint8)
    draw_text(strip, f'{title}:', _PAD, 0, size=size)
    for i, (text, (line, left)) in enumerate(zip(texts, places, strict=True)):
        left, top = left + indent, line * height
        if entries:
            area = strip[top + (height - swatch) // 2 :, left:][:swatch, :swatch]
            area[...] = entries[i][1]
            left += swatch + _PAD
        draw_text(strip, text, left, top, size=size)
    return strip


def _is_free(taken: Sequence[tuple[int, int]], left: int, right: int) -> bool:
    return all(right + 2 * _PAD <= a or b + 2 * _PAD <= left for a, b in taken)


def _draw_marker(strip: np.ndarray, x: int, color: Color) -> None:
    """A triangle that points up to the image, with a black edge."""
    points = np.array([[x, 1], [x - 8, MARKER_ROWS - 3], [x + 8, MARKER_ROWS - 3]], np.int32)
    cv2.fillConvexPoly(strip, points, tuple(map(int, color)))
    cv2.polylines(strip, [points], True, _INK, 1)

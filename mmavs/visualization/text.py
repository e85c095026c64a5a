"""Text in pictures, drawn by Pillow with the font of matplotlib."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Color = Sequence[int]
"""RGB, 0 to 255."""


@cache
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans of ``size`` pixels."""
    path = Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / 'DejaVuSans.ttf'
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def line_height(size: int) -> int:
    """Pixels from the top of a line to the top of the next."""
    return sum(load_font(size).getmetrics())


def text_width(text: str, size: int) -> int:
    """Width of a text in pixels."""
    return int(np.ceil(load_font(size).getlength(text)))


def shorten(text: str, width: int, size: int) -> str:
    """The text, or its beginning with an ellipsis if it is wider than ``width`` pixels."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + '…', size) > width:
        text = text[:-1]
    return text.rstrip() + '…' if text else ''


def draw_text(picture: np.ndarray, text: str, left: float, top: float, *, size: int, color: Color = (0, 0, 0)) -> None:
    """Writes a line of text into a picture, in place.

    Args:
        picture: RGB, uint8, (H, W, 3).
        text: The text.
        left: Left edge, in pixels.
        top: Top of the line, which is :func:`line_height` high.
        size: Font size in pixels.
        color: RGB.
    """
    left, top, height = round(left), round(top), line_height(size)
    area = picture[max(0, top) : top + height, max(0, left) : left + text_width(text, size) + 1]
    if not area.size:
        return
    drawn = Image.fromarray(area)
    ImageDraw.Draw(drawn).text((min(0, left), min(0, top)), text, font=load_font(size), fill=tuple(map(int, color)))
    area[...] = np.asarray(drawn)


def arrange(widths: Iterable[int], width: int, gap: int) -> list[tuple[int, int]]:
    """Arranges items in lines.

    Args:
        widths: Widths of the items in pixels.
        width: Width of a line. A wider item is on a separate line.
        gap: Space between items.

    Returns:
        list[tuple[int, int]]: Line and left edge of each item.
    """
    places: list[tuple[int, int]] = []
    line, left = 0, 0
    for item in widths:
        if left and left + item > width:
            line, left = line + 1, 0
        places.append((line, left))
        left += item + gap
    return places

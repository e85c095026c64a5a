"""Pictures of attention maps over an image."""

import cv2
import matplotlib
import numpy as np

from .audio_panels import stack
from .local_visualizer import font_size
from .strips import draw_title
from .text import draw_text, line_height, text_width

_GAP = 8
_MAX_COLUMNS = 6
_TABLE = (matplotlib.colormaps['viridis'](np.arange(256))[:, :3] * 255).round().astype(np.uint8)


def draw_heat_map(image: np.ndarray, values: np.ndarray, low: float, high: float, *, alpha: float = 0.6) -> np.ndarray:
    """Draws a map over the gray image: dark blue is ``low``, yellow is ``high``.

    Args:
        image: RGB, uint8, (H, W, 3).
        values: (h, w).
        low: Value of the first color.
        high: Value of the last color.
        alpha: Opacity of the colors, from 0 to 1.
    """
    values = cv2.resize(values.astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    index = np.clip((values - low) / max(high - low, 1e-12) * 255, 0, 255).round().astype(np.uint8)
    gray = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[..., None]
    return (gray * (1 - alpha) + _TABLE[index] * alpha).round().astype(np.uint8)


def draw_attention(image: np.ndarray, heads: np.ndarray, *, name: str = 'attention', width: int = 320) -> np.ndarray:
    """Draws the image, the mean over the heads, and each head, all heads on one scale.

    Args:
        image: RGB, uint8, (H, W, 3).
        heads: (heads, h, w).
        name: Name of the values, for the titles.
        width: Width of a panel in pixels.

    Returns:
        np.ndarray: RGB, uint8, (height, width, 3). The bar below shows the scale.
    """
    height = round(image.shape[0] * width / image.shape[1])
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    low, high = float(heads.min()), float(heads.max())
    panels = [('image', image)]
    if len(heads) == 1:
        panels.append((name, draw_heat_map(image, heads[0], low, high)))
    else:
        panels.append((f'{name}, mean', draw_heat_map(image, heads.mean(axis=0), low, high)))
        panels += [(f'head {i + 1}', draw_heat_map(image, head, low, high)) for i, head in enumerate(heads)]
    font = font_size(width)
    drawn = [np.concatenate([draw_title(title, width, size=font), panel]) for title, panel in panels]
    space = np.full((len(drawn[0]), _GAP, 3), 255, np.uint8)
    columns = -(-len(drawn) // -(-len(drawn) // _MAX_COLUMNS))  # rows of equal length
    rows = [
        np.concatenate([part for panel in drawn[i : i + columns] for part in (panel, space)][:-1], axis=1)
        for i in range(0, len(drawn), columns)
    ]
    return stack([*rows, draw_scale(low, high, rows[0].shape[1], size=font)])


def draw_scale(low: float, high: float, width: int, *, size: int) -> np.ndarray:
    """Draws the color scale with the values ``low`` and ``high`` at its ends."""
    digits = 3 if f'{low:.3g}' != f'{high:.3g}' else 6
    texts = [f'{value:.{digits}g}' for value in (low, high)]
    left, right = (text_width(text, size) for text in texts)
    strip = np.full((line_height(size) + 4, width, 3), 255, np.uint8)
    bar = strip[4:-2, left + 2 * _GAP : max(left + 2 * _GAP + 1, min(width - right - 2 * _GAP, left + 320))]
    bar[...] = _TABLE[np.linspace(0, 255, bar.shape[1]).round().astype(int)]
    draw_text(strip, texts[0], _GAP, 2, size=size)
    draw_text(strip, texts[1], left + 3 * _GAP + bar.shape[1], 2, size=size)
    return strip

"""One picture of a sample: image, mask, audio and source positions."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from .audio_panels import draw_audio, stack
from .local_visualizer import font_size
from .overlay import draw_names, draw_overlay
from .strips import draw_class_line, draw_positions, draw_title
from .text import Color

_PANEL_WIDTH = 480  # at most
_PANEL_HEIGHT = 640
_AUDIO_WIDTH = 900
_GAP = 8


class SampleView(NamedTuple):
    """A sample at one stage of its pipeline.

    Attributes:
        title: Name of the stage.
        image: RGB, uint8, (H, W, 3).
        segments: Class indices (H, W), 255 for pixels to ignore.
        audio: Waveform (channels, samples).
        sources: Position (0 left to 1 right, beyond that outside of a crop) and class index of each source.
        sounding: The sounding classes.
    """

    title: str
    image: np.ndarray
    segments: np.ndarray
    audio: np.ndarray
    sources: Sequence[tuple[float, int]]
    sounding: Sequence[int]


def draw_sample(views: Sequence[SampleView], classes: Sequence[str], palette: Sequence[Color]) -> np.ndarray:
    """Draws the stages of a sample in rows.

    Args:
        views: The stages.
        classes: Names of the classes.
        palette: RGB of each class.

    Returns:
        np.ndarray: RGB, uint8, (height, width, 3).
    """
    return stack([_draw_view(view, classes, palette) for view in views], gap=2 * _GAP)


def _draw_view(view: SampleView, classes: Sequence[str], palette: Sequence[Color]) -> np.ndarray:
    scale = min(_PANEL_WIDTH / view.image.shape[1], _PANEL_HEIGHT / view.image.shape[0])
    height, width = (max(1, round(side * scale)) for side in view.image.shape[:2])
    font = font_size(_PANEL_WIDTH)
    background = 0 if classes[0] == 'background' else None
    image = cv2.resize(view.image, (width, height), interpolation=cv2.INTER_CUBIC)
    segments = cv2.resize(view.segments.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    overlay = draw_overlay(image, segments, palette, background=background)
    draw_names(overlay, segments, classes, palette, size=font, background=background)
    positions = draw_positions(_visible(view.sources, classes, palette), width, size=font)
    columns = [
        np.concatenate([draw_title(title, width, size=font), panel, positions])
        for title, panel in (('image', image), ('mask', overlay))
    ]
    columns.append(draw_audio(view.audio, width=_AUDIO_WIDTH, height=columns[0].shape[0]))
    space = np.full((len(columns[0]), _GAP, 3), 255, np.uint8)
    row = np.concatenate([part for column in columns for part in (space, column)][1:], axis=1)
    entries = [(classes[label], palette[label]) for label in view.sounding if label < len(classes)]
    return np.concatenate(
        [
            draw_title(f'{view.title}: {_pixels(view.image)}', row.shape[1], size=font + 4),
            row,
            draw_class_line('sounding', entries, row.shape[1], size=font),
        ]
    )


def _pixels(image: np.ndarray) -> str:
    return f'{image.shape[1]} x {image.shape[0]} pixels'


def _visible(
    sources: Sequence[tuple[float, int]], classes: Sequence[str], palette: Sequence[Color]
) -> list[tuple[float, str, Color]]:
    """Positions for the strip. The name of a source outside of the crop has an arrow that points to the source."""
    found = []
    for position, label in sources:
        if label is None or label >= len(classes):
            continue
        name = f'← {classes[label]}' if position < 0 else f'{classes[label]} →' if position > 1 else classes[label]
        found.append((min(1.0, max(0.0, position)), name, palette[label]))
    return found

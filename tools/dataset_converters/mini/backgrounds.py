"""Paints the backgrounds of the mini set: a far part, a horizon, and the ground in perspective."""

from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import Light, noise

TILE = 256  # size of the ground's texture in pixels, before the perspective transform


@dataclass(frozen=True)
class Place:
    """Appearance of one kind of place.

    Attributes:
        name: The place, as in captions.
        far: RGB above the horizon, at the top and at the horizon.
        ground: RGB of the ground, near and far.
        ridge: RGB of the hills or houses above the horizon, and their height as a fraction of the image.
        grain: Strength of the ground's texture.
        cells: Cells of that texture across the image's width, near the viewer.
    """

    name: str
    far: tuple
    ground: tuple
    ridge: tuple
    grain: float
    cells: int


PLACES = (
    Place(
        'on a meadow',
        ((0.36, 0.56, 0.83), (0.8, 0.87, 0.92)),
        ((0.27, 0.42, 0.14), (0.5, 0.6, 0.33)),
        ((0.25, 0.38, 0.27), 0.12),
        0.16,
        60,
    ),
    Place(
        'in a street',
        ((0.62, 0.68, 0.75), (0.78, 0.78, 0.76)),
        ((0.34, 0.34, 0.36), (0.5, 0.5, 0.5)),
        ((0.52, 0.42, 0.36), 0.22),
        0.07,
        70,
    ),
    Place(
        'on a beach',
        ((0.42, 0.66, 0.86), (0.84, 0.92, 0.94)),
        ((0.78, 0.67, 0.47), (0.85, 0.77, 0.6)),
        ((0.2, 0.46, 0.58), 0.05),
        0.08,
        40,
    ),
    Place(
        'on dry land',
        ((0.5, 0.62, 0.78), (0.9, 0.84, 0.72)),
        ((0.55, 0.42, 0.24), (0.7, 0.58, 0.38)),
        ((0.46, 0.38, 0.3), 0.1),
        0.14,
        50,
    ),
    Place(
        'in a yard',
        ((0.6, 0.68, 0.78), (0.85, 0.86, 0.86)),
        ((0.5, 0.47, 0.42), (0.58, 0.55, 0.5)),
        ((0.3, 0.42, 0.2), 0.2),
        0.1,
        30,
    ),
)
WEATHER = np.array([(1.05, 1.02, 0.96), (0.9, 0.92, 0.95), (1.02, 0.9, 0.78), (1.0, 1.0, 1.0)])


@dataclass(frozen=True)
class Background:
    """A painted background: ``rgb`` (H, W, 3) float32 in [0, 1], the horizon's row, its caption and its light."""

    rgb: np.ndarray
    horizon: int
    place: str
    light: Light
    color: np.ndarray


def _far(rng, place, width, horizon):
    share = np.linspace(0, 1, horizon)[:, None, None]
    top, bottom = (np.array(c) + rng.normal(0, 0.04, 3) for c in place.far)
    rgb = np.repeat(top * (1 - share) + bottom * share, width, axis=1)
    clouds = np.clip(2.2 * noise(rng, (2 * horizon, width), 4, 5)[::2] + rng.uniform(-0.5, 0.4), 0, 1)[..., None]
    rgb += (np.array([0.97, 0.97, 0.98]) - rgb) * clouds * (0.75 if place.far[0][2] > 0.7 else 0.15)
    color, height = np.array(place.ridge[0]) + rng.normal(0, 0.03, 3), place.ridge[1] * horizon * 3
    skyline = noise(rng, (4, width), 5, 5)[0]
    if place.name == 'in a street':  # houses have flat roofs
        skyline = np.repeat(rng.normal(0, 0.5, width // 12 + 1), 12)[:width]
    top_row = horizon - height * np.clip(0.6 + 0.5 * skyline, 0.05, 1.2)
    cover = np.clip(np.arange(horizon)[:, None] - top_row + 0.5, 0, 1)[..., None]
    texture = 1 + 0.22 * noise(rng, (horizon, width), 14, 4)[..., None]
    return rgb + (color * texture - rgb) * cover


def _ground(rng, place, width, rows):
    """Ground texture in perspective: finer and paler towards the horizon."""
    depth = 1 / (np.linspace(0, 1, rows) + 0.12)  # large at the horizon, about 0.9 at the viewer's feet
    tile = noise(rng, (TILE, TILE), TILE / width * place.cells, 3) + noise(rng, (TILE, TILE), 4, 2)
    columns = (np.arange(width) - width / 2)[None] * (depth * 0.6)[:, None] + rng.uniform(0, TILE)
    lines = np.repeat((depth * width * 0.3)[:, None] + rng.uniform(0, TILE), width, 1)
    texture = cv2.remap(
        tile, columns.astype(np.float32), lines.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )[..., None]
    near, far = (np.array(c) + rng.normal(0, 0.03, 3) for c in place.ground)
    share = np.clip((depth - 0.9) / 7, 0, 1)[:, None, None]
    return (near * (1 - share) + far * share) * (1 + place.grain * 2 * texture)


def paint_background(rng, height, width):
    """Paints the background of one image.

    Args:
        rng (np.random.Generator): Source of randomness.
        height (int): Rows.
        width (int): Columns.

    Returns:
        Background: The background.
    """
    place = PLACES[rng.integers(len(PLACES))]
    horizon = int(height * rng.uniform(0.25, 0.42))
    rgb = np.concatenate([_far(rng, place, width, horizon), _ground(rng, place, width, height - horizon)])
    edge = slice(horizon - 2, horizon + 2)
    rgb[edge] = cv2.GaussianBlur(rgb, (0, 0), 1.0)[edge]
    rgb = cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.4, 1.1))  # the background is out of focus
    side = rng.choice([-1, 1])
    direction = np.array([side * rng.uniform(0.2, 0.7), -0.75, rng.uniform(0.5, 0.8)])
    light = Light(tuple(direction / np.linalg.norm(direction)), ambient=rng.uniform(0.4, 0.65))
    color = WEATHER[rng.integers(len(WEATHER))] * rng.uniform(0.85, 1.1)
    return Background(np.clip(rgb, 0, 1).astype(np.float32), horizon, place.name, light, color.astype(np.float32))

"""Colors of classes that readers with any kind of color vision can distinguish."""

from functools import cache

import numpy as np

# Machado et al., A Physiologically-based Model for Simulation of Color Vision Deficiency, IEEE TVCG 2009: severity 1.0,
# for linear RGB. One matrix each for normal, protanopic, deuteranopic and tritanopic vision.
_VISIONS = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ]
)
# Ottosson, A perceptual color space for image processing, 2020 (OKLab): linear RGB -> cone responses -> L, a, b.
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FIRST = (213, 94, 0)  # vermilion
_LIGHTNESS = (0.4, 0.9)  # neither close to black, the color of the background, nor to white
_LEAST_CHROMA = 0.13  # strong colors, since pictures show the image in gray below them


@cache
def _candidates() -> tuple[np.ndarray, np.ndarray]:
    """RGB (N, 3) and OKLab in each kind of vision (4, N, 3)."""
    steps = np.array([0, 32, 64, 96, 128, 160, 192, 224, 255])
    rgb = np.stack(np.meshgrid(steps, steps, steps, indexing='ij'), axis=-1).reshape(-1, 3)
    rgb = np.concatenate([[_FIRST], rgb])
    lab = perceived(rgb)
    lightness, chroma = lab[0, :, 0], np.hypot(lab[0, :, 1], lab[0, :, 2])
    kept = (lightness > _LIGHTNESS[0]) & (lightness < _LIGHTNESS[1]) & (chroma > _LEAST_CHROMA)
    return rgb[kept], lab[:, kept]


def perceived(rgb: np.ndarray) -> np.ndarray:
    """The colors as seen with normal, protanopic, deuteranopic and tritanopic vision.

    Args:
        rgb: (N, 3), 0 to 255.

    Returns:
        np.ndarray: OKLab (4, N, 3): lightness from 0 to 1, and two opponent axes.
    """
    value = np.asarray(rgb, np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ _VISIONS.transpose(0, 2, 1), 0, 1)
    return np.cbrt(seen @ _TO_CONES.T) @ _TO_LAB.T


@cache
def _chosen(count: int) -> tuple[tuple[int, ...], ...]:
    """``count`` colors, chosen greedily by their minimum distance to earlier ones in all kinds of vision."""
    rgb, lab = _candidates()
    chosen = [0]
    distance = np.full(len(rgb), np.inf)
    for _ in range(1, count):
        to_last = np.linalg.norm(lab - lab[:, chosen[-1], None], axis=-1).min(axis=0)
        distance = np.minimum(distance, to_last.round(6))  # rounded: equal on all machines
        chosen.append(int(distance.argmax()))
    return tuple(tuple(rgb[index].tolist()) for index in chosen)


def distinct_palette(num_classes: int) -> list[list[int]]:
    """Colors that stay distinct with a color vision deficiency; the first ones differ most.

    Args:
        num_classes: Number of classes, background (black) included, 2 to 256.

    Returns:
        list[list[int]]: RGB of each class, 0 to 255.
    """
    return [[0, 0, 0], *map(list, _chosen(num_classes - 1))]

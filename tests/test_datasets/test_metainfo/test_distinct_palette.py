"""Colors of classes are distinct for all kinds of color vision, by another simulation than that which chose them."""

import itertools

import numpy as np
import pytest

from mmavs.datasets.metainfo.distinct_palette import distinct_palette
from mmavs.datasets.metainfo.palette import bit_interleaved_palette

# Vienot, Brettel and Mollon, Digital Video Colormaps for Checking the Legibility of Displays by Dichromats, 1999: a
# projection in the space of the cones (LMS).
TO_LMS = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
PROJECTIONS = dict(
    normal=np.eye(3),
    protan=np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
    deutan=np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
)
# Brettel, Vienot and Mollon, 1997, in linear RGB: two half planes, and the normal of the plane that separates them.
TRITAN = np.array(
    [
        [[1.01277, 0.13548, -0.14826], [-0.01243, 0.86812, 0.14431], [0.07589, 0.80500, 0.11911]],
        [[0.93678, 0.18979, -0.12657], [0.06154, 0.81526, 0.12320], [-0.37562, 1.12767, 0.24796]],
    ]
)
TRITAN_NORMAL = np.array([0.03901, -0.02788, -0.01113])
NOTICEABLE = 2.3  # of the difference in CIE L*a*b*


def simulate(linear, vision):
    if vision == 'tritan':
        first = (linear @ TRITAN_NORMAL >= 0)[:, None]
        return np.where(first, linear @ TRITAN[0].T, linear @ TRITAN[1].T)
    return linear @ (np.linalg.inv(TO_LMS) @ PROJECTIONS[vision] @ TO_LMS).T


def to_lab(rgb, vision):
    """CIE L*a*b* (D65) of colors as perceived with a kind of color vision."""
    value = np.asarray(rgb) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    seen = np.clip(simulate(linear, vision), 0, 1)
    xyz = seen @ np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]).T
    f = xyz / (0.9505, 1, 1.089)
    f = np.where(f > (6 / 29) ** 3, np.cbrt(f), f / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=-1)


def least_difference(palette, vision):
    lab = to_lab(palette, vision)
    return min(np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2))


@pytest.mark.parametrize('vision', [*PROJECTIONS, 'tritan'])
def test_colors_of_vpo_are_distinct(vision):
    """The colors of PASCAL VOC are not: some pairs differ less than can be noticed."""
    assert least_difference(distinct_palette(22), vision) > 3 * NOTICEABLE
    if vision != 'normal':
        assert least_difference(bit_interleaved_palette(22), vision) < 2 * NOTICEABLE


@pytest.mark.parametrize('count', [2, 9, 22, 71, 256])
def test_palettes_are_prefixes_of_each_other(count):
    palette = distinct_palette(count)
    assert len(palette) == count == len({tuple(color) for color in palette})
    assert palette == distinct_palette(256)[:count]
    assert palette[0] == [0, 0, 0]
    assert all(0 <= value <= 255 and type(value) is int for color in palette for value in color)

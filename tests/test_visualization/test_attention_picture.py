import numpy as np
import pytest

from mmavs.visualization.attention_picture import draw_attention, draw_heat_map, draw_scale

BLUE, YELLOW = (68, 1, 84), (253, 231, 37)  # first and last color of viridis


def test_colors_are_those_of_the_values():
    image = np.zeros((40, 60, 3), np.uint8)
    values = np.zeros((4, 6))
    values[:, 3:] = 2
    drawn = draw_heat_map(image, values, 0, 2, alpha=1.0)
    assert drawn.shape == image.shape
    assert drawn[20, 5].tolist() == list(BLUE) and drawn[20, 55].tolist() == list(YELLOW)


def test_equal_values_are_drawn():
    drawn = draw_heat_map(np.zeros((40, 60, 3), np.uint8), np.ones((4, 6)), 1, 1, alpha=1.0)
    assert (drawn == BLUE).all()


@pytest.mark.parametrize('heads, panels, rows', [(1, 2, 1), (3, 5, 1), (4, 6, 1), (8, 5, 2)])
def test_panels_of_heads(heads, panels, rows):
    """Image, mean and heads, at most six in a row; at least 640 pixels wide."""
    picture = draw_attention(np.zeros((30, 40, 3), np.uint8), np.random.default_rng(0).random((heads, 3, 4)))
    assert picture.shape[1] == panels * 320 + (panels - 1) * 8 >= 640
    assert rows * 240 < picture.shape[0] < rows * 240 + 150


def test_mean_over_heads():
    heads = np.stack([np.zeros((3, 4)), np.ones((3, 4))])
    picture = draw_attention(np.zeros((30, 40, 3), np.uint8), heads)
    colors = [tuple(picture[150, x].tolist()) for x in (160 + 328, 160 + 2 * 328, 160 + 3 * 328)]
    assert colors[1] == tuple(round(0.6 * c) for c in BLUE) and colors[2] == tuple(round(0.6 * c) for c in YELLOW)
    assert colors[0] not in colors[1:]


def test_scale_shows_both_ends():
    strip = draw_scale(0.1, 0.9, 640, size=15)
    colors = {tuple(color) for color in strip.reshape(-1, 3).tolist()}
    assert BLUE in colors and YELLOW in colors

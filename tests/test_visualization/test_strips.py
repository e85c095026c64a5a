"""No text is clipped, and no text covers another."""

import itertools

import numpy as np
import pytest

from mmavs.visualization import strips, text
from mmavs.visualization.strips import draw_class_line, draw_positions, draw_title
from mmavs.visualization.text import draw_text, line_height, shorten, text_width

LONG = 'electric guitar with an amplifier'


@pytest.fixture
def ink(monkeypatch):
    """Texts, the boxes of the pixels that they change on a larger canvas, and the shapes of their strips."""
    found = []

    def record(strip, content, left, top, *, size, color=(0, 0, 0)):
        margin = 500
        canvas = np.full((strip.shape[0] + 2 * margin, strip.shape[1] + 2 * margin, 3), 255, np.uint8)
        draw_text(canvas, content, left + margin, top + margin, size=size)
        rows, columns = np.nonzero((canvas != 255).any(-1))
        if len(rows):
            edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            found.append((content, tuple(int(edge) - margin for edge in edges), strip.shape))
        draw_text(strip, content, left, top, size=size, color=color)

    monkeypatch.setattr(strips, 'draw_text', record)
    return found


def check(ink):
    assert ink
    for content, (left, top, right, bottom), shape in ink:
        assert left >= 0 and top >= 0 and right <= shape[1] and bottom <= shape[0], f'{content!r} is clipped'
    for (a, first, _), (b, second, _) in itertools.combinations(ink, 2):
        apart = first[2] <= second[0] or second[2] <= first[0] or first[3] <= second[1] or second[3] <= first[1]
        assert apart, f'{a!r} covers {b!r}'


@pytest.mark.parametrize('width', [120, 320, 900])
@pytest.mark.parametrize('positions', [(0, 1), (0.5, 0.5, 0.5), (0.02, 0.1, 0.95, 0.99)])
def test_names_at_markers(ink, width, positions):
    names = itertools.cycle(['cat', LONG, 'Öl-jÿ'])
    draw_positions([(p, name, (9, 9, 9)) for p, name in zip(positions, names, strict=False)], width, size=16)
    check(ink)


@pytest.mark.parametrize('width', [200, 640])
@pytest.mark.parametrize('count', [0, 1, 9])
def test_lines_of_classes(ink, width, count):
    draw_class_line('sounding', [(LONG if i % 2 else 'dog', (9, 9, 9)) for i in range(count)], width, size=16)
    check(ink)
    assert sum(content not in ('sounding:', 'nothing') for content, *_ in ink) == count


@pytest.mark.parametrize('width', [60, 320])
def test_titles(ink, width):
    draw_title('ground truth (hatched: ignored)', width, size=15)
    check(ink)


def test_shortened_text_fits():
    assert shorten('cat', 300, 16) == 'cat'
    short = shorten(LONG, 100, 16)
    assert short.endswith('…') and LONG.startswith(short[:-1]) and text_width(short, 16) <= 100
    assert shorten(LONG, 3, 16) == ''


def test_text_beyond_the_edges_is_cut_without_errors():
    picture = np.full((20, 30, 3), 255, np.uint8)
    draw_text(picture, 'mmm', -10, -5, size=16)
    assert (picture != 255).any()
    before = picture.copy()
    draw_text(picture, 'mmm', 40, 30, size=16)
    np.testing.assert_array_equal(picture, before)


def test_text_is_as_wide_and_high_as_measured():
    picture = np.full((60, 400, 3), 255, np.uint8)
    draw_text(picture, 'Ágjy|', 5, 5, size=20)
    rows, columns = np.nonzero((picture != 255).any(-1))
    assert rows.min() >= 5 and rows.max() < 5 + line_height(20)
    assert columns.min() >= 5 and columns.max() <= 5 + text_width('Ágjy|', 20)


def test_items_are_arranged_in_lines():
    assert text.arrange([40, 40, 40, 200, 10], 100, gap=10) == [(0, 0), (0, 50), (1, 0), (2, 0), (3, 0)]

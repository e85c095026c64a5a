import itertools

import numpy as np
import pytest

from mmavs.visualization.label_placement import find_parts
from mmavs.visualization.overlay import draw_names, draw_overlay, present_classes

CLASSES = ('background', 'cat', 'electric guitar', 'dog')
PALETTE = [[0, 0, 0], [250, 0, 0], [0, 0, 250], [0, 250, 0]]
SIZE = 16


def draw(segments):
    picture = np.full((*segments.shape, 3), 120, np.uint8)
    return picture, draw_names(picture, segments, CLASSES, PALETTE, size=SIZE)


def inside(box, shape):
    return box.left >= 0 and box.top >= 0 and box.right <= shape[1] and box.bottom <= shape[0]


def distance(box, mask):
    """Pixels between a box and the nearest pixel of a mask."""
    rows, columns = np.nonzero(mask)
    dx = np.maximum(0, np.maximum(box.left - columns, columns - box.right + 1))
    dy = np.maximum(0, np.maximum(box.top - rows, rows - box.bottom + 1))
    return np.hypot(dx, dy).min()


@pytest.mark.parametrize('seed', range(20))
def test_names_are_in_the_picture_and_do_not_cover_each_other(seed):
    rng = np.random.default_rng(seed)
    segments = np.zeros((200, 260), np.int64)
    for label in rng.permutation([1, 2, 3, 1, 2]):
        top, left = rng.integers(0, 150), rng.integers(0, 200)
        segments[top : top + rng.integers(20, 60), left : left + rng.integers(20, 60)] = label
    picture, names = draw(segments)
    assert {label for label, _ in names} == set(present_classes(segments, 4))
    for label, box in names:
        assert inside(box, segments.shape)
        assert distance(box, segments == label) <= 32
        assert (picture[box.top, box.left : box.right] == PALETTE[label]).all()  # the border
    for (_, a), (_, b) in itertools.combinations(names, 2):
        assert a.overlap(b) == 0


def test_name_is_beside_its_object_where_there_is_room():
    segments = np.zeros((200, 260), np.int64)
    segments[80:120, 100:160] = 2
    _, [(label, box)] = draw(segments)
    assert label == 2 and box.bottom <= 80
    assert not segments[box.top : box.bottom, box.left : box.right].any()


def test_name_is_inside_of_a_large_object_without_room_above_and_below():
    """At its side the name would seem to belong to the object there."""
    segments = np.zeros((120, 260), np.int64)
    segments[5:115, 40:160] = 1
    _, [(_, box)] = draw(segments)
    assert (segments[box.top : box.bottom, box.left : box.right] == 1).all()


def test_name_does_not_hide_a_small_object():
    segments = np.zeros((40, 260), np.int64)
    segments[5:35, 100:140] = 1
    _, [(_, box)] = draw(segments)
    assert box.right <= 100 or box.left >= 140


def test_name_of_an_object_that_fills_the_picture_is_inside():
    _, [(label, box)] = draw(np.full((200, 260), 1, np.int64))
    assert label == 1 and inside(box, (200, 260))


def test_each_large_part_has_a_name_and_specks_have_none():
    segments = np.zeros((200, 260), np.int64)
    segments[80:120, 20:60] = segments[80:120, 180:220] = 1
    segments[5:7, 5:7] = 1  # 4 of 52,000 pixels
    assert [part.area for part in find_parts(segments, [1])] == [1600, 1600]
    speck = np.zeros((200, 260), np.int64)
    speck[5:7, 5:7] = 1
    assert not find_parts(speck, [1])


def test_names_wider_than_the_picture_are_shortened():
    segments = np.zeros((60, 50), np.int64)
    segments[20:40, 10:40] = 2
    _, [(_, box)] = draw(segments)
    assert inside(box, segments.shape)


def test_colors_do_not_depend_on_the_colors_of_the_image():
    """Two images of equal gray values."""
    segments = np.zeros((40, 60), np.int64)
    segments[10:30, 10:50] = 1
    red, gray = np.zeros((2, 40, 60, 3), np.uint8)
    red[..., 0], gray[...] = 255, 76  # 0.299 * 255
    a, b = (draw_overlay(image, segments, PALETTE) for image in (red, gray))
    np.testing.assert_array_equal(a, b)
    inner, expected = a[20, 30].tolist(), [round(0.4 * 76 + 0.6 * c) for c in PALETTE[1]]
    assert inner == expected
    assert a[35, 5].tolist() == [76] * 3


def test_objects_have_an_outline():
    segments = np.zeros((40, 60), np.int64)
    segments[10:30, 10:30], segments[10:30, 30:50] = 1, 3
    drawn = draw_overlay(np.zeros((40, 60, 3), np.uint8), segments, PALETTE)
    assert (drawn[10:30, 29:31] == 255).all()  # between two classes
    assert (drawn[9:11, 10:50] == 255).all()


def test_a_class_0_that_is_not_background_is_drawn():
    segments = np.zeros((40, 60), np.int64)
    palette = [[10, 20, 30], [250, 0, 0]]
    drawn = draw_overlay(np.zeros((40, 60, 3), np.uint8), segments, palette, alpha=1.0, background=None)
    assert (drawn == palette[0]).all()

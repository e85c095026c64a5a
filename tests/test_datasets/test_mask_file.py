import numpy as np
import pytest

from mmavs.datasets.label_table import UNKNOWN_VALUE, make_label_table
from mmavs.datasets.mask_file import MaskError, mask_labels
from mmavs.datasets.metainfo.palette import bit_interleaved_palette

TABLE = np.full(256, UNKNOWN_VALUE, np.uint8)
TABLE[[0, 3, 5, 255]] = [0, 1, 2, 255]
VALUES = np.random.default_rng(0).choice([0, 3, 5, 255], (6, 7)).astype(np.uint8)
LABELS = np.select([VALUES == 0, VALUES == 3, VALUES == 5], [0, 1, 2], 255)


@pytest.mark.parametrize('encoding', ['index', 'gray', 'color'])
def test_the_same_labels_in_every_encoding(encoding):
    palette = np.array(bit_interleaved_palette(256), np.uint8)
    pixels = {'index': VALUES, 'gray': np.stack([VALUES] * 3, -1), 'color': palette[VALUES]}[encoding]
    assert np.array_equal(mask_labels(pixels, 'a.png', table=TABLE, encoding=encoding), LABELS)


@pytest.mark.parametrize('encoding', ['index', 'gray'])
@pytest.mark.parametrize('values', [(0, 1), (0, 255)])
def test_one_bit_per_pixel_is_a_mask_of_two_classes(encoding, values):
    pixels = np.array([[True, False], [False, False]])
    labels = mask_labels(pixels, 'a.png', table=make_label_table(values), encoding=encoding)
    assert labels.tolist() == [[1, 0], [0, 0]]


def test_values_are_unchanged_without_a_table():
    assert np.array_equal(mask_labels(VALUES, 'a.png', table=None), VALUES)


@pytest.mark.parametrize(
    ('pixels', 'encoding', 'kind', 'message'),
    [
        (np.full((2, 2), 4, np.uint8), 'index', 'unknown mask values', r'a\.png has the values \[4\].*: do this'),
        (np.zeros((2, 2, 3), np.uint8), 'index', 'wrong mask type', r'a\.png has shape \(2, 2, 3\).* Save its values'),
        (np.ones((2, 2), bool), 'index', 'unknown mask values', r'a\.png has the values \[1\]'),
        (np.zeros((2, 2), bool), 'color', 'wrong mask type', 'type bool'),
        (np.zeros((2, 2), np.uint16), 'gray', 'wrong mask type', 'type uint16'),
        (np.full((2, 2, 3), (1, 2, 3), np.uint8), 'gray', 'wrong mask type', r'must be gray, but a\.png has colors'),
        (np.zeros((2, 2), np.uint8), 'color', 'wrong mask type', r'must be an RGB image: a\.png'),
        (np.full((2, 2, 3), (1, 2, 3), np.uint8), 'color', 'unknown mask colors', r'\[1, 2, 3\].*palette: do this'),
    ],
)
def test_errors_name_file_and_remedy(pixels, encoding, kind, message):
    with pytest.raises(MaskError, match=message) as error:
        mask_labels(pixels, 'a.png', table=TABLE, encoding=encoding, hint='do this')
    assert error.value.kind == kind


def test_message_lists_the_first_of_many_colors():
    pixels = np.array([[[i, 1, 2] for i in range(1, 10)]], np.uint8)
    with pytest.raises(MaskError, match=r'\[5, 1, 2\] and 4 more, which'):
        mask_labels(pixels, 'a.png', table=TABLE, encoding='color')

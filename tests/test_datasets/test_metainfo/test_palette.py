import numpy as np

from mmavs.datasets.metainfo.palette import bit_interleaved_palette, index_colors


def test_first_colors_of_pascal_voc():
    assert bit_interleaved_palette(12) == [
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [0, 0, 128],
        [128, 0, 128],
        [0, 128, 128],
        [128, 128, 128],
        [64, 0, 0],
        [192, 0, 0],
        [64, 128, 0],
        [192, 128, 0],
    ]


def test_every_class_has_a_color_of_its_own():
    assert len({tuple(c) for c in bit_interleaved_palette(256)}) == 256


def test_index_colors_inverts_the_palette():
    palette = np.array(bit_interleaved_palette(256), np.uint8)
    index, known = index_colors(palette.reshape(16, 16, 3))
    assert index.ravel().tolist() == list(range(256)) and known.all()


def test_colors_that_are_not_in_the_palette():
    """Against a search of the complete palette."""
    rgb = np.random.randint(0, 256, (40, 50, 3), np.uint8)
    rgb[::2] = np.random.choice([0, 32, 64, 96, 128, 192, 224], (20, 50, 3))
    palette = bit_interleaved_palette(256)
    known = index_colors(rgb)[1]
    assert known.any() and np.array_equal(known, [[c in palette for c in row] for row in rgb.tolist()])

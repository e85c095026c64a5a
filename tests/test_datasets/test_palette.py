from mmavs.datasets.palette import bit_interleaved_palette


def test_first_colours_of_pascal_voc():
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


def test_every_class_has_a_colour_of_its_own():
    assert len({tuple(c) for c in bit_interleaved_palette(256)}) == 256

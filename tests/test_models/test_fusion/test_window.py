import pytest
import torch

from mmavs.models.fusion.window import WHOLE, add_places, split_places

SIZE = (6, 7)


@pytest.mark.parametrize('rows, columns', [((0, 6), (0, 7)), ((2, 5), (3, 7)), ((5, 6), (0, 1))])
def test_places_tell_where_a_window_was(rows, columns):
    images = torch.randn(2, 3, *SIZE)
    crops = add_places(images)[..., slice(*rows), slice(*columns)]
    pixels, window = split_places(crops, SIZE)
    assert torch.equal(pixels, images[..., slice(*rows), slice(*columns)])
    expected = [rows[0] / 6, rows[1] / 6, columns[0] / 7, columns[1] / 7]
    torch.testing.assert_close(torch.stack(window), torch.tensor(expected))


def test_the_whole_image_has_edges_of_0_and_1_exactly():
    assert split_places(add_places(torch.zeros(1, 3, 37, 53)), (37, 53))[1] == WHOLE

import math

import torch

from mmavs.models.fusion import CrossAttentionFusion
from mmavs.models.fusion.position_encoding import PositionEncoding
from mmavs.models.fusion.window import Window


def test_equals_the_formula_pixel_by_pixel():
    module = PositionEncoding(5, frequencies=2)
    encoding = module(2, 3)
    assert encoding.shape == (1, 6, 5)
    for row in range(2):
        for column in range(3):
            y, x = (row + 0.5) / 2, (column + 0.5) / 3
            waves = [
                function(math.pi * octave * coordinate)
                for coordinate in (y, x)
                for function in (math.sin, math.cos)
                for octave in (1, 2)
            ]
            expected = module.linear.weight @ torch.tensor(waves)
            assert torch.allclose(encoding[0, row * 3 + column], expected, atol=1e-6)


def test_same_coordinates_have_the_same_encoding_in_maps_of_any_size():
    module = PositionEncoding(4)
    assert torch.allclose(module(3, 5)[0, 7], module(9, 7)[0, 4 * 7 + 3], atol=1e-6)  # both are the middle


def test_window_has_the_encoding_of_its_coordinates_in_the_image():
    module = PositionEncoding(4)
    codes = module(6, 8).view(6, 8, 4)
    window = Window(top=2 / 6, bottom=5 / 6, left=1 / 8, right=3 / 8)
    assert torch.allclose(module(3, 2, window).view(3, 2, 4), codes[2:5, 1:3], atol=1e-5)
    assert not torch.allclose(module(3, 2).view(3, 2, 4), codes[2:5, 1:3], atol=1e-1)


def test_windows_of_a_batch_differ():
    module = PositionEncoding(4)
    windows = [Window(0.0, 0.5, 0.25, 1.0), Window(0.2, 1.4, 0.0, 2.0)]
    found = module(3, 2, Window(*torch.tensor(windows).unbind(1)))
    assert torch.allclose(found, torch.cat([module(3, 2, window) for window in windows]), atol=1e-6)


def test_fusion_distinguishes_left_from_right_only_with_the_encoding():
    feature, audio = torch.ones(1, 8, 2, 4), torch.randn(1, 6)
    for encoded in (False, True):
        torch.manual_seed(0)
        fusion = CrossAttentionFusion(8, audio_channels=6, num_heads=2, position_encoding=encoded).eval()
        (fused,) = fusion([feature], audio)
        assert torch.allclose(fused[..., 0], fused[..., -1], atol=1e-6) != encoded


def test_single_pixels_get_their_coordinates():
    fusion = CrossAttentionFusion(8, audio_channels=6, num_heads=2, position_encoding=True).eval()
    visual, audio = fusion.encode([torch.randn(2, 8, 3, 4)]), torch.randn(2, 6)
    image, pixel = torch.tensor([0, 1, 1]), torch.tensor([11, 0, 5])
    picked = fusion.fuse(visual, audio)[0].flatten(2)[image, :, pixel]
    assert torch.allclose(fusion.fuse_pixels(visual, audio, 0, image, pixel), picked, atol=1e-6)

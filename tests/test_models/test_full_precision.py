import copy

import torch
from torch import nn

from mmavs.models import AudioResNet, VGGish
from mmavs.models.full_precision import FullPrecisionConv2d


def bfloat16():
    return torch.autocast('cpu', torch.bfloat16)


def test_convolution_is_that_of_32_bits():
    plain = nn.Conv2d(8, 3, 1)
    conv = copy.deepcopy(plain)
    conv.__class__ = FullPrecisionConv2d
    x = torch.randn(2, 8, 4, 5)
    expected = plain(x)
    with bfloat16():
        assert not torch.equal(plain(x).float(), expected)
        assert torch.equal(conv(x), expected)
        assert conv(x.bfloat16()).dtype == torch.float32
    assert conv.bfloat16()(x.bfloat16()).dtype == torch.bfloat16  # weights of 16 bits are taken as they are


def test_sound_is_embedded_in_32_bits():
    for net, shape in (
        (AudioResNet(base_channels=4, out_channels=6), (2, 2, 32, 16)),
        (VGGish(out_channels=6, frames=16, n_mels=16), (2, 1, 16, 16)),
    ):
        x = torch.randn(shape)
        expected = net.eval()(x)
        with bfloat16():
            assert torch.equal(net(x), expected)

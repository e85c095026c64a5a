import torch
from torch import nn

from mmavs.models.full_precision import FullPrecisionConv2d, classify_in_full_precision


def test_convolution_is_computed_in_float32_under_autocast():
    plain = nn.Conv2d(8, 3, 3, stride=2, padding=1)
    state = torch.get_rng_state()
    conv = FullPrecisionConv2d.from_conv(plain)
    assert torch.equal(torch.get_rng_state(), state)
    assert conv.weight is plain.weight and conv.bias is plain.bias
    x = torch.randn(2, 8, 4, 6)
    expected = plain(x)
    with torch.autocast('cpu', torch.bfloat16):
        assert not torch.equal(plain(x).float(), expected)
        assert torch.equal(conv(x), expected)
        assert conv(x.bfloat16()).dtype == torch.float32
    assert conv.bfloat16()(x.bfloat16()).dtype == torch.bfloat16  # weights of 16 bits are used as they are


def test_conv_seg_of_each_head_is_replaced():
    heads = nn.ModuleList([nn.Module(), nn.Module(), nn.Module()])
    for head in heads[:2]:
        head.conv_seg = nn.Conv2d(4, 2, 1)
    keys = list(heads.state_dict())
    classify_in_full_precision(heads)
    assert [type(getattr(head, 'conv_seg', None)) for head in heads] == [FullPrecisionConv2d] * 2 + [type(None)]
    assert list(heads.state_dict()) == keys

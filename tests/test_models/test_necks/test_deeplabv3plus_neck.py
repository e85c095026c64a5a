import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import nn


def build(**options):
    return MODELS.build(
        dict(type='DeepLabV3PlusNeck', in_channels=(8, 32), channels=12, low_level_channels=4, **options)
    ).eval()


def features(batch=2):
    return tuple(torch.randn(batch, c, *size) for c, size in ((8, (16, 20)), (16, (8, 10)), (32, (4, 5))))


def test_one_map_of_the_first_stages_size():
    neck = build()
    (out,) = neck(features())
    assert neck.out_channels == 16
    assert out.shape == (2, 16, 16, 20)


def test_low_level_detail_comes_last_and_context_is_interpolated():
    neck, inputs = build(dilations=(1, 6)), features()
    (out,) = neck(inputs)
    torch.testing.assert_close(out[:, 12:], neck.low_level(inputs[0]))
    context = neck.aspp(inputs[2])
    torch.testing.assert_close(out[:, :12], F.interpolate(context, (16, 20), mode='bilinear', align_corners=True))
    torch.testing.assert_close(out[:, :12, 0, 0], context[:, :, 0, 0])  # corners coincide


def test_aspp_written_out():
    aspp = build(dilations=(1, 2)).aspp
    for norm in (aspp.branch_norm, aspp.pool_norm, aspp.norm):
        nn.init.normal_(norm.running_mean)
        nn.init.normal_(norm.weight)
    x = torch.randn(2, 32, 4, 5)

    def conv(weight, value, dilation=1):
        return F.conv2d(value, weight, padding=dilation * (weight.shape[-1] // 2), dilation=dilation)

    near = torch.cat([conv(aspp.branches[0].weight, x), conv(aspp.branches[1].weight, x, dilation=2)], dim=1)
    near = conv(aspp.reduce.weight, F.leaky_relu(aspp.branch_norm(near), 0.01))
    whole = conv(aspp.pool_conv.weight, F.adaptive_avg_pool2d(x, 1))
    whole = conv(aspp.pool_reduce.weight, F.leaky_relu(aspp.pool_norm(whole), 0.01)).expand_as(near)
    torch.testing.assert_close(aspp(x), F.leaky_relu(aspp.norm(near + whole), 0.01))


def test_trains_and_uses_every_parameter():
    neck = build().train()
    neck(features())[0].square().sum().backward()
    for name, parameter in neck.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name


def test_in_index_chooses_the_stages():
    neck, inputs = build(in_index=(1, 0)), features()
    torch.testing.assert_close(neck(inputs[::2][::-1]), build_like(neck)(inputs))


def build_like(neck):
    other = build()
    other.load_state_dict(neck.state_dict())
    return other

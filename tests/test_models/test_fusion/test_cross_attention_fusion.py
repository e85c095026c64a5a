import pytest
import torch
from mmseg.registry import MODELS
from torch import nn

from mmavs.models.fusion import CrossAttention
from mmavs.models.fusion.attention_activations import ACTIVATIONS
from mmavs.models.fusion.tokens import to_tokens

SIZES = ((6, 7), (3, 4), (2, 2))
CHANNELS = (8, 12, 16)


def make(activation='sigmoid', levels=(0, 2)):
    fusion = MODELS.build(
        dict(
            type='CrossAttentionFusion',
            in_channels=[CHANNELS[i] for i in levels],
            in_index=levels,
            audio_channels=10,
            num_heads=2,
            hidden_channels=5,
            mlp_ratio=2.0,
            activation=activation,
        )
    )
    for parameter in fusion.parameters():
        nn.init.normal_(parameter, std=0.4)
    features = tuple(torch.randn(3, c, *size) for c, size in zip(CHANNELS, SIZES, strict=True))
    return fusion, features


def draw_places(level, count=25):
    return torch.randint(3, (count,)), torch.randint(SIZES[level][0] * SIZES[level][1], (count,))


@pytest.mark.parametrize('tokens', [None, 1, 3])
@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_equals_projector_and_cross_attention(activation, tokens):
    fusion, features = make(activation)
    audio = torch.randn(3, 10) if tokens is None else torch.randn(3, tokens, 10)
    out = fusion(features, audio)
    for slot, level in enumerate((0, 2)):
        visual = fusion.projectors[slot](to_tokens(features[level]))
        expected = CrossAttention.forward(fusion.attentions[slot], visual, audio.view(3, -1, 10))
        assert out[level].shape == features[level].shape
        torch.testing.assert_close(to_tokens(out[level]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('tokens', [1, 3])
@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_fuse_pixels_equals_picking_from_fuse(activation, tokens):
    fusion, features = make(activation)
    visual, audio = fusion.encode(features), torch.randn(3, tokens, 10)
    for level in (0, 2):
        image, pixel = draw_places(level)
        expected = to_tokens(fusion.fuse(visual, audio)[level])[image, pixel]
        picked = fusion.fuse_pixels(visual, audio, level, image, pixel)
        torch.testing.assert_close(picked, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('activation', ['sigmoid', 'channel'])
def test_fuse_pixels_has_the_gradients_of_fuse(activation):
    fusion, features = make(activation)
    image, pixel = draw_places(0)
    grads = []
    for pick in (True, False):
        audio = torch.ones(3, 10, requires_grad=True)
        visual = fusion.encode(features)
        out = (
            fusion.fuse_pixels(visual, audio, 0, image, pixel)
            if pick
            else to_tokens(fusion.fuse(visual, audio)[0])[image, pixel]
        )
        used = [audio, *fusion.projectors[0].parameters(), *fusion.attentions[0].parameters()]
        grads.append(torch.autograd.grad(out.square().sum(), used))
    for own, expected in zip(*grads, strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('activation', ['sigmoid', 'channel'])
def test_fusing_no_pixel(activation):
    fusion, features = make(activation)
    none = torch.zeros(0, dtype=torch.long)
    assert fusion.fuse_pixels(fusion.encode(features), torch.randn(3, 10), 2, none, none).shape == (0, 16)


def test_levels_that_are_not_chosen_pass_through():
    fusion, features = make(levels=(1,))
    out = fusion(features, torch.randn(3, 10))
    assert out[0] is features[0] and out[2] is features[2]
    assert not torch.equal(out[1], features[1])


def test_all_levels_by_default():
    fusion = MODELS.build(dict(type='CrossAttentionFusion', in_channels=CHANNELS, audio_channels=10))
    assert fusion.in_index == (0, 1, 2)


@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_gradients_reach_all_used_parameters(activation):
    fusion, features = make(activation)
    audio = torch.randn(3, 2, 10, requires_grad=True)
    sum(level.square().sum() for level in fusion(features, audio)).backward()
    assert audio.grad.any()
    for name, parameter in fusion.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def test_numbers_of_channels_and_levels_must_agree():
    with pytest.raises(ValueError, match=r'in_channels \[8, 16\] and in_index \(0,\) differ'):
        MODELS.build(dict(type='CrossAttentionFusion', in_channels=(8, 16), in_index=(0,)))


@pytest.mark.parametrize('levels', [(0, 2), (2, 0)])
def test_in_channels_follow_in_index(levels):
    fusion, features = make(levels=levels)
    fusion(features, torch.randn(3, 10))
    channels = {0: 8, 2: 16}[levels[0]]
    with pytest.raises(ValueError, match=rf'in_channels is {channels} for level {levels[0]}, .* gives {24 - channels}'):
        fusion(features[::-1], torch.randn(3, 10))


def test_level_that_does_not_exist_is_named():
    fusion, features = make(levels=(0, 2))
    with pytest.raises(ValueError, match=r'in_index \(0, 2\) names level 2, but model.backbone .* gives 2 levels'):
        fusion(features[:2], torch.randn(3, 10))


def test_audio_channels_that_differ_are_named_with_both_keys():
    fusion, features = make()
    with pytest.raises(ValueError, match='model.fusion.audio_channels=10, but model.audio_backbone gives 7'):
        fusion(features, torch.randn(3, 7))


def test_coordinates_must_be_known():
    with pytest.raises(ValueError, match="model.fusion.coordinates must be 'input' or 'image', got 'crop'"):
        MODELS.build(dict(type='CrossAttentionFusion', position_encoding=True, coordinates='crop'))


def test_level_with_a_class_token_keeps_it():
    """As the levels of a ViT with ``output_cls_token``."""
    fusion, features = make()
    audio, token = torch.randn(3, 10), torch.randn(3, 8)
    out = fusion([[features[0], token], *features[1:]], audio)
    assert torch.equal(out[0][0], fusion(features, audio)[0]) and out[0][1] is token


@pytest.mark.parametrize('tokens', [1, 3])
@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_attention_maps_are_the_weights_of_the_equation(activation, tokens):
    fusion, features = make(activation)
    audio = torch.randn(3, tokens, 10)
    maps = fusion.attention_maps(fusion.encode(features), audio)
    assert list(maps) == [0, 2]
    for slot, level in enumerate((0, 2)):
        attention = fusion.attentions[slot]
        visual = attention.norm1(attention.visual_embed(fusion.projectors[slot](to_tokens(features[level]))))
        queries = attention.query(visual).chunk(2, dim=2)
        keys = attention.key(attention.norm1(attention.audio_embed(audio))).chunk(2, dim=2)
        for head, (q, k) in enumerate(zip(queries, keys, strict=True)):
            products = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5)[:, None]  # (B, 1, N, T)
            expected = ACTIVATIONS[activation](products)[:, 0].mean(dim=2).view(3, *SIZES[level])
            torch.testing.assert_close(maps[level][:, head], expected, rtol=1e-4, atol=1e-5)

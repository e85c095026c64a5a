import math

import pytest
import torch
from mmseg.registry import MODELS

from mmavs.models.fusion.avsegformer import ChannelMixer
from mmavs.models.fusion.deformable_encoder import cell_centers
from mmavs.models.fusion.sine_position import sine_position

FUSION = dict(
    type='AVSegFormerFusion',
    in_channels=(8, 16, 16, 32),
    channels=16,
    audio_channels=6,
    num_queries=5,
    num_layers=2,
    num_heads=4,
    ffn_channels=32,
    num_groups=4,
)


@pytest.fixture
def fusion():
    torch.manual_seed(0)
    return MODELS.build(FUSION).eval()


SIZES = ((8, 1), (16, 2), (16, 4), (32, 8))


def levels(count=2, size=(8, 16)):
    torch.manual_seed(1)
    return [torch.randn(count, c, size[0] // n, size[1] // n) for c, n in SIZES]


def test_outputs_are_products_of_the_queries_with_the_mask_feature(fusion):
    mask_feature, products = fusion(levels(), torch.randn(2, 6))
    assert mask_feature.shape == (2, 16, 8, 16) and products.shape == (2, 5, 8, 16)
    queries = torch.linalg.lstsq(mask_feature[0].flatten(1).T, products[0].flatten(1).T)
    assert (mask_feature[0].flatten(1).T @ queries.solution - products[0].flatten(1).T).abs().max() < 1e-3


def test_original_and_shuffled_audio_share_the_encoded_image(fusion):
    visual, audio = fusion.encode(levels()), torch.randn(2, 6)
    for a, b in zip(fusion.fuse(visual, audio[[1, 0]]), fusion(levels(), audio[[1, 0]]), strict=True):
        torch.testing.assert_close(a, b)


def test_each_image_is_fused_with_its_own_audio(fusion):
    audio = torch.randn(2, 6)
    before = fusion(levels(), audio)
    audio[1] += 1
    for a, b in zip(before, fusion(levels(), audio), strict=True):
        torch.testing.assert_close(a[0], b[0])
        assert (a[1] - b[1]).abs().max() > 1e-4


def test_a_single_image_is_fused_as_in_a_batch(fusion):
    audio = torch.randn(2, 6)
    for a, b in zip(fusion([x[:1] for x in levels()], audio[:1]), fusion(levels(), audio), strict=True):
        torch.testing.assert_close(a, b[:1], rtol=1e-4, atol=1e-5)


def test_audio_of_another_size_is_refused(fusion):
    with pytest.raises(ValueError, match=r'one audio embedding \(B, 6\)'):
        fusion(levels(), torch.randn(2, 7))


def test_the_mixer_weights_channels_by_what_the_audio_attends_to():
    """By loops, for one image with one head."""
    mixer, feature, audio = ChannelMixer(2, num_heads=1), torch.randn(1, 2, 2, 2), torch.randn(1, 2)
    key, value = mixer.key_value.weight.chunk(2)
    pixels = feature[0].flatten(1).T
    scores = [mixer.query.weight @ audio[0] @ (key @ p) / math.sqrt(2) for p in pixels]
    weights = torch.stack(scores).softmax(0)
    found = sum(w * (value @ p) for w, p in zip(weights, pixels, strict=True))
    expected = feature * mixer.proj(found).sigmoid()[None, :, None, None]
    torch.testing.assert_close(mixer(feature, audio), expected)


def test_positions_count_rows_and_columns_from_one():
    code = sine_position((2, 3), 8, torch.zeros(1)).unflatten(0, (2, 3))
    expected = [math.sin(2), math.cos(2), math.sin(2 / 100), math.cos(2 / 100)]  # periods 1 and 10000 ^ (2 / 4)
    torch.testing.assert_close(code[1, 2, :4], torch.tensor(expected))  # the second row
    torch.testing.assert_close(code[0, 1, 4:], torch.tensor(expected))  # the second column


def test_reference_points_are_cell_centers():
    found = cell_centers([(1, 2), (2, 1)], torch.zeros(1))
    torch.testing.assert_close(found, torch.tensor([[0.25, 0.5], [0.75, 0.5], [0.5, 0.25], [0.5, 0.75]]))


def test_attention_of_the_mixer_gives_its_output():
    torch.manual_seed(0)
    mixer, feature, audio = ChannelMixer(8, num_heads=2), torch.randn(3, 8, 4, 5), torch.randn(3, 8)
    weights = mixer.attention(feature, audio)
    assert weights.shape == (3, 2, 4, 5)
    torch.testing.assert_close(weights.sum(dim=(2, 3)), torch.ones(3, 2))
    values = mixer.key_value(feature.movedim(1, 3))[..., 8:].unflatten(3, (2, 4))  # (B, h, w, heads, channels)
    found = torch.einsum('bnhw,bhwnd->bnd', weights, values).flatten(1)
    expected = feature * mixer.proj(found).sigmoid()[:, :, None, None]
    torch.testing.assert_close(mixer(feature, audio), expected)


def test_attention_maps_are_those_of_the_mixer(fusion):
    visual, audio = fusion.encode(levels()), torch.randn(2, 6)
    maps = fusion.attention_maps(visual, audio)
    expected = fusion.mixer.attention(visual.mask_feature, fusion.audio_proj(audio))
    assert list(maps) == [0] and maps[0].shape == (2, 4, 8, 16)
    torch.testing.assert_close(maps[0], expected)

import pytest
import torch
from mmseg.registry import MODELS

from mmavs.models.fusion.tpavi import TPAVIBlock, interact, interact_reference


def features(clips=2, frames=5, channels=6, size=(3, 4)):
    torch.manual_seed(0)
    theta, g = torch.randn(2, clips, frames, channels, *size)
    return [x.clone().requires_grad_() for x in (theta, torch.randn(clips, frames, channels), g)]


def test_the_interaction_equals_the_form_with_the_matrix():
    fast, plain = features(), features()
    found, expected = interact(*fast), interact_reference(*plain)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    weight = torch.randn_like(found)
    (found * weight).sum().backward()
    (expected * weight).sum().backward()
    for a, b in zip(fast, plain, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-5, atol=1e-5)


def test_the_plain_form_is_the_sum_over_all_positions():
    """Brute force at one position: over the pixels of all frames of its clip."""
    theta, phi, g = (x.detach() for x in features())
    frames, height, width = 5, 3, 4
    expected = sum(
        (theta[1, 2, :, 1, 3] @ phi[1, t]) * g[1, t, :, y, x]
        for t in range(frames)
        for y in range(height)
        for x in range(width)
    ) / (frames * height * width)
    torch.testing.assert_close(interact_reference(theta, phi, g)[1, 2, :, 1, 3], expected)


def test_a_new_block_normalizes_the_visual_features():
    block, x = TPAVIBlock(8, 4), torch.randn(4, 8, 3, 2)
    fused, aligned = block(x, torch.randn(4, 4), frames=2)
    torch.testing.assert_close(fused, torch.nn.functional.layer_norm(x.movedim(1, 3), (8,)).movedim(3, 1))
    assert aligned.shape == (4, 8)


@pytest.fixture
def fusion():
    torch.manual_seed(0)
    model = MODELS.build(dict(type='TPAVIFusion', in_channels=(8, 8), in_index=(1, 2), audio_channels=4)).eval()
    for block in model.blocks:
        torch.nn.init.ones_(block.out_norm.weight)
    return model


def test_the_audio_of_a_frame_reaches_its_clip_alone(fusion):
    levels, audio = [torch.randn(4, 8, 4 // n, 4 // n) for n in (1, 2, 4)], torch.randn(4, 4)
    before = fusion(levels, audio, frames=2)
    audio[3] += 1
    after = fusion(levels, audio, frames=2)
    assert before[0] is levels[0]
    for (a, _), (b, aligned) in zip(before[1:], after[1:], strict=True):
        assert torch.equal(a[:2], b[:2]) and (a[2:] - b[2:]).flatten(1).norm(dim=1).min() > 1e-3
        assert aligned.shape == (4, 8)


def test_audio_that_does_not_fit_is_refused(fusion):
    with pytest.raises(ValueError, match=r'one audio embedding \(B, 4\)'):
        fusion([torch.randn(2, 8, 2, 2)] * 3, torch.randn(2, 5), frames=1)
    with pytest.raises(ValueError, match='differ in number'):
        MODELS.build(dict(type='TPAVIFusion', in_channels=(8, 8), in_index=(0,)))


def test_attention_maps_are_row_sums_of_the_matrix(fusion):
    """Brute force: the (T N) x (T N) matrix theta phi^T / (T N) of each clip, summed over its columns."""
    levels, audio = [torch.randn(4, 8, 4 // n, 4 // n) for n in (1, 2, 4)], torch.randn(4, 4)
    maps = fusion.attention_maps(levels, audio, frames=2)
    assert list(maps) == [1, 2]
    block, visual = fusion.blocks[0], levels[1]
    theta = block.theta(visual).movedim(1, 3).reshape(2, 2 * 4, -1)  # two clips of two frames of four pixels
    phi = block.phi(block.align_audio(audio)).repeat_interleave(4, dim=0).view(2, 2 * 4, -1)
    expected = (theta @ phi.transpose(1, 2) / 8).sum(dim=2).view(4, 1, 2, 2)
    torch.testing.assert_close(maps[1], expected, rtol=1e-4, atol=1e-5)


def test_temporal_false_fuses_each_frame_with_its_own_audio():
    """As clips of one frame each; the result does not depend on the other samples of the batch."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        options = dict(type='TPAVIFusion', in_channels=(6,), audio_channels=5, keep_audio=False)
        single, clips = (MODELS.build(dict(options, temporal=temporal)).eval() for temporal in (False, True))
        clips.load_state_dict(single.state_dict())
        visual, audio = torch.randn(4, 6, 3, 4), torch.randn(4, 5)
    assert clips.needs_frames and not single.needs_frames
    for fusion in (single, clips):
        torch.nn.init.ones_(fusion.blocks[0].out_norm.weight)
    (fused,) = single([visual], audio)
    torch.testing.assert_close(fused, clips([visual], audio, frames=1)[0])
    assert not torch.allclose(fused, clips([visual], audio, frames=4)[0], atol=1e-3)
    (alone,) = single([visual[2:3]], audio[2:3])
    torch.testing.assert_close(fused[2:3], alone)

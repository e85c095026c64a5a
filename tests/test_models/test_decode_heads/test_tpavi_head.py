import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmavs.models.decode_heads.tpavi_head import ResidualUnit

HEAD = dict(type='TPAVIHead', in_channels=(16, 16), in_index=(0, 1), channels=16, num_classes=3)


def levels(size=(8, 12)):
    torch.manual_seed(0)
    maps = [torch.randn(2, 16, size[0] // n, size[1] // n, requires_grad=True) for n in (1, 2)]
    return [[x, torch.randn(2, 16, requires_grad=True)] for x in maps]


def samples(label):
    return [SegDataSample(gt_sem_seg=PixelData(data=x)) for x in label]


def test_the_output_has_four_times_the_size_of_the_finest_stage():
    assert MODELS.build(HEAD)(levels()).shape == (2, 3, 32, 48)


def test_stages_of_odd_sizes_are_merged():
    maps = [torch.randn(1, 16, 5, 7), torch.randn(1, 16, 3, 4)]
    assert MODELS.build(HEAD)(maps).shape == (1, 3, 20, 28)


def test_the_residual_starts_after_the_relu():
    unit, x = ResidualUnit(4), -torch.rand(1, 4, 3, 3)
    torch.nn.init.zeros_(unit.conv2.weight)
    torch.nn.init.zeros_(unit.conv2.bias)
    assert torch.equal(unit(x), torch.zeros_like(x))


def test_the_matching_loss_reads_annotated_frames_and_their_audio():
    head = MODELS.build(dict(HEAD, matching_loss=dict(type='AVMatchingLoss'))).train()
    label = torch.randint(3, (2, 1, 32, 48))
    label[1] = 255
    inputs = levels()
    losses = head.loss(inputs, samples(label), {})
    assert set(losses) == {'loss_ce', 'loss_matching', 'acc_seg'}
    losses['loss_matching'].backward()
    for _, audio in inputs:
        assert audio.grad[0].norm() > 0 and not audio.grad[1].any()


def test_levels_without_audio_are_refused_by_the_matching_loss():
    head = MODELS.build(dict(HEAD, matching_loss=dict(type='AVMatchingLoss')))
    with pytest.raises(ValueError, match='keep_audio=True'):
        head.loss([x for x, _ in levels()], samples(torch.zeros(2, 1, 32, 48, dtype=torch.long)), {})


def test_stages_of_another_width_are_refused():
    with pytest.raises(ValueError, match='must all be channels=16'):
        MODELS.build(dict(HEAD, in_channels=(16, 8)))

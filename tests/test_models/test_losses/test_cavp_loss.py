import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from dense_info_nce import dense_info_nce
from mmseg.registry import MODELS

from mmavs.models.losses import CAVPLoss, SupConLoss
from mmavs.models.losses.cavp_loss import contrast_pairs, gather_pixels
from mmavs.models.losses.pairing import PixelSample, label_swapped

IGNORE = 255


class Swapped:
    """Stands for the fusion with swapped sound: takes the pixels from a given map and notes what was asked for."""

    def __init__(self, feature):
        self.feature = feature
        self.calls = []

    def __call__(self, permutation, image, pixel):
        self.calls.append((permutation, image, pixel))
        return gather_pixels(self.feature, PixelSample(image, pixel, None))


def batch(channels=8):
    """Four 4x4 images with as many pixels of background as of foreground, so that everything is drawn."""
    label = torch.tensor([[0] * 8 + [1] * 8, [0] * 8 + [2] * 8, [0] * 8 + [1] * 4 + [2] * 4, [0] * 8 + [1] * 8])
    audio_label = [(1,), (2,), (1, 2), (1,)]
    own, swapped = torch.randn(2, 4, channels, 4, 4)
    return own.requires_grad_(), label.view(4, 4, 4), audio_label, swapped.requires_grad_()


def dense_loss(own, own_label, swapped, swapped_label, temperature=0.1):
    """Eq. 4 over all pixels of both kinds of pairs that are not ignored."""
    feature, label = torch.cat([own, swapped]).permute(0, 2, 3, 1), torch.cat([own_label, swapped_label])
    known = label != IGNORE
    return dense_info_nce(F.normalize(feature[known].double(), dim=1), label[known], temperature)


def test_golden_pairing_loss(golden_file):
    golden = {k: torch.tensor(v) for k, v in np.load(golden_file('pairing_loss.npz')).items()}
    own, swapped = golden['paired'].requires_grad_(), golden['shuffled'].requires_grad_()
    known = golden['label'] != IGNORE
    foreground = known & (golden['label'] > 0)
    loss = contrast_pairs(
        own.permute(0, 2, 3, 1)[known],
        golden['label'][known],
        swapped.permute(0, 2, 3, 1)[foreground],
        golden['shuffled_label'][foreground],
        temperature=golden['temperature'].item(),
    )
    loss.backward()
    np.testing.assert_allclose(loss.item(), golden['loss'], rtol=0, atol=1e-5)
    np.testing.assert_allclose(own.grad, golden['grad_paired'], rtol=0, atol=1e-5)
    np.testing.assert_allclose(swapped.grad, golden['grad_shuffled'], rtol=0, atol=1e-5)


def test_gather_pixels():
    feature = torch.arange(2 * 3 * 2 * 2).view(2, 3, 2, 2)
    image, pixel = torch.tensor([1, 0, 1]), torch.tensor([3, 1, 0])
    picked = gather_pixels(feature, PixelSample(image, pixel, None))
    assert picked.tolist() == [feature[1, :, 1, 1].tolist(), feature[0, :, 0, 1].tolist(), feature[1, :, 0, 0].tolist()]


@pytest.mark.parametrize('seed', range(3))
def test_cavp_loss_and_gradients_equal_dense_computation(seed):
    own, label, audio_label, swapped = batch()
    torch.manual_seed(seed)
    fuse = Swapped(swapped)
    loss = CAVPLoss()(own, label, audio_label, fuse)
    grads = torch.autograd.grad(loss, (own, swapped))
    permutation = fuse.calls[0][0]
    assert sorted(permutation.tolist()) == [0, 1, 2, 3]
    expected = dense_loss(own, label, swapped, label_swapped(label, audio_label, permutation))
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-6)
    for grad, truth in zip(grads, torch.autograd.grad(expected, (own, swapped)), strict=True):
        torch.testing.assert_close(grad, truth, rtol=1e-3, atol=1e-6)


def test_two_images_by_hand(monkeypatch):
    # Own pairs: object (1, 0), background (0, 1). Swapped pairs: the object no longer sounds, its pixel is (0, 1) too.
    # Anchors: 2 object pixels with product 1 and 4 negatives with product 0; 4 background pixels with products 1 and 2
    # negatives with product 0. At temperature 1: log(1 + 4/e) and log(1 + 2/e).
    monkeypatch.setattr(torch, 'randperm', lambda n, **kwargs: torch.arange(n).flip(0))
    sound, silence = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    own = torch.stack([sound, silence], dim=1).expand(2, 2, 2)[:, :, None]  # (B, C, 1, 2)
    swapped = silence[None, :, None, None].expand(2, 2, 1, 2)
    label = torch.tensor([[[1, 0]], [[1, 0]]])
    loss = CAVPLoss(temperature=1.0)(own, label, [(1,), (1, 2)], Swapped(swapped))
    expected = (2 * math.log(1 + 4 / math.e) + 4 * math.log(1 + 2 / math.e)) / 6
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_only_drawn_foreground_pixels_are_fused_with_swapped_sound():
    own, label, audio_label, swapped = batch()
    fuse = Swapped(swapped)
    CAVPLoss(max_views=5)(own, label, audio_label, fuse)
    ((_, image, pixel),) = fuse.calls
    assert len(image) == len(pixel) == 5
    assert (label.flatten(1)[image, pixel] > 0).all()


def test_sound_is_swapped_anew_each_time():
    own, label, audio_label, swapped = batch()
    fuse = Swapped(swapped)
    for _ in range(20):
        CAVPLoss()(own, label, audio_label, fuse)
    assert len({tuple(permutation.tolist()) for permutation, _, _ in fuse.calls}) > 3


def test_supcon_loss_never_swaps_and_equals_dense_computation():
    own, label, audio_label, _ = batch()

    def fail(*args):
        raise AssertionError('SupConLoss fused swapped sound')

    loss = SupConLoss()(own, label, audio_label, fail)
    expected = dense_info_nce(F.normalize(own.permute(0, 2, 3, 1).reshape(-1, 8).double(), dim=1), label.flatten(), 0.1)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(SupConLoss()(own, label, audio_label), loss)


@pytest.mark.parametrize('loss_type', [CAVPLoss, SupConLoss])
@pytest.mark.parametrize('value', [0, IGNORE])
def test_batch_without_foreground(loss_type, value):
    own, label, audio_label, swapped = batch()
    label = torch.full_like(label, value)
    fuse = Swapped(swapped)
    loss = loss_type()(own, label, audio_label, fuse)
    assert loss == 0 and not fuse.calls
    loss.backward()
    assert torch.equal(own.grad, torch.zeros_like(own))


def test_batch_without_background_contrasts_the_classes():
    own, label, audio_label, swapped = batch()
    label = torch.where(label == 0, IGNORE, label)
    fuse = Swapped(swapped)
    loss = CAVPLoss()(own, label, audio_label, fuse)
    assert not fuse.calls
    known = (label != IGNORE).flatten()
    feature = own.permute(0, 2, 3, 1).reshape(-1, 8)[known].double()
    expected = dense_info_nce(F.normalize(feature, dim=1), label.flatten()[known], 0.1)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-6)


def test_one_image_swaps_with_itself():
    own, label, audio_label, swapped = batch()
    loss = CAVPLoss()(own[:1], label[:1], audio_label[:1], Swapped(swapped[:1]))
    known = torch.where(label[:1] == 0, IGNORE, label[:1])
    torch.testing.assert_close(loss.double(), dense_loss(own[:1], label[:1], swapped[:1], known), rtol=1e-5, atol=1e-6)


def test_strict_sets_separate_equal_classes_with_other_sound():
    own, label, audio_label, swapped = batch()
    fuse = Swapped(swapped)
    loss = CAVPLoss(strict_sets=True)(own, label, audio_label, fuse)
    swapped_label = label_swapped(label, audio_label, fuse.calls[0][0])
    names = torch.tensor([300, 400, 500, 300])[:, None, None]  # images 0 and 3 have the same set of sounds

    def strict(x):
        return torch.where((x == 0) | (x == IGNORE), x, x + names)

    torch.testing.assert_close(
        loss.double(), dense_loss(own, strict(label), swapped, strict(swapped_label)), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    'share, positive, negative', [(0.5, 512, 512), (0.25, 256, 768), (0.75, 768, 256), (0.2, 205, 819), (1e-9, 1, 1024)]
)
def test_positive_share_divides_a_constant_total(share, positive, negative):
    loss = CAVPLoss(max_views=512, positive_share=share)
    assert (loss.positive_views, loss.negative_views) == (positive, negative)


def test_labels_are_brought_to_the_size_of_the_features():
    own, label, audio_label, swapped = batch()
    large = label.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    torch.manual_seed(1)
    loss = CAVPLoss()(own, label, audio_label, Swapped(swapped))
    torch.manual_seed(1)
    torch.testing.assert_close(CAVPLoss()(own, large, audio_label, Swapped(swapped)), loss)


def test_length_of_features_and_loss_weight():
    own, label, audio_label, swapped = batch()
    torch.manual_seed(1)
    loss = CAVPLoss()(own, label, audio_label, Swapped(swapped))
    torch.manual_seed(1)
    weighted = CAVPLoss(loss_weight=0.5)(3 * own, label, audio_label, Swapped(7 * swapped))
    torch.testing.assert_close(weighted, 0.5 * loss)


def test_bfloat16_features():
    own, label, audio_label, swapped = batch()
    torch.manual_seed(1)
    expected = CAVPLoss()(own.bfloat16().float(), label, audio_label, Swapped(swapped.bfloat16().float()))
    torch.manual_seed(1)
    half = own.detach().bfloat16().requires_grad_()
    loss = CAVPLoss()(half, label, audio_label, Swapped(swapped.bfloat16()))
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert half.grad.dtype == torch.bfloat16 and half.grad.isfinite().all() and half.grad.any()


def test_separated_features_cost_less():
    own, label, audio_label, swapped = batch()
    perfect = F.one_hot(label, 8).permute(0, 3, 1, 2).float()
    losses = [SupConLoss()(f, label, audio_label).item() for f in (perfect, perfect + own, own)]
    assert losses[0] < losses[1] < losses[2]


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(positive_share=0.0), 'positive_share'),
        (dict(positive_share=1.0), 'positive_share'),
        (dict(temperature=0.0), 'temperature > 0'),
        (dict(max_views=0), 'max_views >= 1'),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        CAVPLoss(**options)


@pytest.mark.parametrize('name', ['CAVPLoss', 'SupConLoss'])
def test_registered(name):
    assert MODELS.build(dict(type=name, loss_name='loss_x')).loss_name == 'loss_x'

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from dense_info_nce import dense_info_nce
from mmseg.registry import MODELS

from mmavs.models.losses import CAVPLoss, OriginalPairsLoss, SupConLoss, sup_con
from mmavs.models.losses.pairing import audio_sets, gather_pixels, label_shuffled

IGNORE = 255


def batch(channels=8):
    """Four 4x4 images with as many pixels of background as of foreground, so that everything is drawn."""
    label = torch.tensor([[0] * 8 + [1] * 8, [0] * 8 + [2] * 8, [0] * 8 + [1] * 4 + [2] * 4, [0] * 8 + [1] * 8])
    metas = [dict(audio_label=classes) for classes in ((1,), (2,), (1, 2), (1,))]
    original, shuffled = torch.randn(2, 4, channels, 4, 4)
    return original.requires_grad_(), label.view(4, 4, 4), metas, shuffled.requires_grad_()


def run(loss, original, label, metas, shuffled):
    """The loss of given feature maps of original and shuffled pairs, and what was drawn."""
    draw = loss.draw(label, metas)
    features = [gather_pixels(original, draw.original), gather_pixels(shuffled, draw.shuffled)]
    return loss(torch.cat(features), torch.cat([draw.original.label, draw.shuffled.label])), draw


def dense_loss(original, original_label, shuffled, shuffled_label, temperature=0.1):
    """Eq. 4 over all pixels of both kinds of pairs that are not ignored."""
    feature = torch.cat([original, shuffled]).permute(0, 2, 3, 1)
    label = torch.cat([original_label, shuffled_label])
    known = label != IGNORE
    return dense_info_nce(F.normalize(feature[known].double(), dim=1), label[known], temperature)


def test_golden_pairing_loss(golden_file):
    golden = {k: torch.tensor(v) for k, v in np.load(golden_file('pairing_loss.npz')).items()}
    original, shuffled = golden['paired'].requires_grad_(), golden['shuffled'].requires_grad_()
    known = golden['label'] != IGNORE
    foreground = known & (golden['label'] > 0)
    features = torch.cat([original.permute(0, 2, 3, 1)[known], shuffled.permute(0, 2, 3, 1)[foreground]])
    labels = torch.cat([golden['label'][known], golden['shuffled_label'][foreground]])
    loss = CAVPLoss(golden['temperature'].item())(features, labels)
    loss.backward()
    np.testing.assert_allclose(loss.item(), golden['loss'], rtol=0, atol=1e-5)
    np.testing.assert_allclose(original.grad, golden['grad_paired'], rtol=0, atol=1e-5)
    np.testing.assert_allclose(shuffled.grad, golden['grad_shuffled'], rtol=0, atol=1e-5)


@pytest.mark.parametrize('seed', range(3))
def test_cavp_loss_and_gradients_equal_dense_computation(seed):
    original, label, metas, shuffled = batch()
    torch.manual_seed(seed)
    loss, draw = run(CAVPLoss(), original, label, metas, shuffled)
    grads = torch.autograd.grad(loss, (original, shuffled))
    assert sorted(draw.permutation.tolist()) == [0, 1, 2, 3]
    shuffled_label = label_shuffled(label, audio_sets(metas), draw.permutation)
    expected = dense_loss(original, label, shuffled, shuffled_label)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-6)
    for grad, truth in zip(grads, torch.autograd.grad(expected, (original, shuffled)), strict=True):
        torch.testing.assert_close(grad, truth, rtol=1e-3, atol=1e-6)


def test_two_images_by_hand(monkeypatch):
    # Original pairs: object (1, 0), background (0, 1). Shuffled pairs: the object no longer sounds, its pixel is (0, 1)
    # too. Anchors: 2 object pixels with product 1 and 4 negatives with product 0; 4 background pixels with products 1
    # and 2 negatives with product 0. At temperature 1: log(1 + 4/e) and log(1 + 2/e).
    monkeypatch.setattr(torch, 'randperm', lambda n, **kwargs: torch.arange(n).flip(0))
    foreground, background = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    original = torch.stack([foreground, background], dim=1).expand(2, 2, 2)[:, :, None]  # (B, C, 1, 2)
    shuffled = background[None, :, None, None].expand(2, 2, 1, 2)
    metas = [dict(audio_label=(1,)), dict(audio_label=(1, 2))]
    loss, _ = run(CAVPLoss(temperature=1.0), original, torch.tensor([[[1, 0]], [[1, 0]]]), metas, shuffled)
    expected = (2 * math.log(1 + 4 / math.e) + 4 * math.log(1 + 2 / math.e)) / 6
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_shuffled_pixels_are_foreground_and_no_more_than_needed():
    _, label, metas, _ = batch()
    shuffled = CAVPLoss(max_views=5).draw(label, metas).shuffled
    assert len(shuffled.image) == len(shuffled.pixel) == 5
    assert (label.flatten(1)[shuffled.image, shuffled.pixel] > 0).all()


def test_audio_is_shuffled_in_each_call():
    _, label, metas, _ = batch()
    assert len({tuple(CAVPLoss().draw(label, metas).permutation.tolist()) for _ in range(20)}) > 3


@pytest.mark.parametrize('loss_type, function', [(OriginalPairsLoss, dense_info_nce), (SupConLoss, sup_con)])
def test_losses_of_original_pairs(loss_type, function):
    original, label, metas, shuffled = batch()
    loss, draw = run(loss_type(), original, label, metas, shuffled)
    assert not len(draw.shuffled.label)
    z = F.normalize(original.permute(0, 2, 3, 1).reshape(-1, 8).double(), dim=1)
    torch.testing.assert_close(loss.double(), function(z, label.flatten(), 0.1), rtol=1e-5, atol=1e-6)


def test_sup_con_warns_of_its_changed_meaning(monkeypatch):
    logged = []
    monkeypatch.setattr('mmavs.models.losses.cavp_loss.print_log', lambda message, logger: logged.append(message))
    SupConLoss()
    OriginalPairsLoss()
    assert len(logged) == 1 and 'should name OriginalPairsLoss' in logged[0]


@pytest.mark.parametrize('loss_type', [CAVPLoss, SupConLoss, OriginalPairsLoss])
@pytest.mark.parametrize('value', [0, IGNORE])
def test_batch_without_foreground(loss_type, value):
    original, label, metas, shuffled = batch()
    loss, draw = run(loss_type(), original, torch.full_like(label, value), metas, shuffled)
    assert loss == 0 and not len(draw.shuffled.label)
    loss.backward()
    assert torch.equal(original.grad, torch.zeros_like(original))


def test_batch_without_background_contrasts_the_classes():
    original, label, metas, shuffled = batch()
    label = torch.where(label == 0, IGNORE, label)
    loss, draw = run(CAVPLoss(), original, label, metas, shuffled)
    assert not len(draw.shuffled.label)
    known = (label != IGNORE).flatten()
    feature = original.permute(0, 2, 3, 1).reshape(-1, 8)[known].double()
    expected = dense_info_nce(F.normalize(feature, dim=1), label.flatten()[known], 0.1)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-6)


def test_one_image_is_paired_with_its_own_audio():
    original, label, metas, shuffled = (x[:1] for x in batch())
    loss, _ = run(CAVPLoss(), original, label, metas, shuffled)
    known = torch.where(label == 0, IGNORE, label)
    torch.testing.assert_close(loss.double(), dense_loss(original, label, shuffled, known), rtol=1e-5, atol=1e-6)


def test_strict_sets_separate_equal_classes_with_other_audio():
    original, label, metas, shuffled = batch()
    loss, draw = run(CAVPLoss(strict_sets=True), original, label, metas, shuffled)
    shuffled_label = label_shuffled(label, audio_sets(metas), draw.permutation)
    names = torch.tensor([300, 400, 500, 300])[:, None, None]  # images 0 and 3 have the same set of classes

    def strict(x):
        return torch.where((x == 0) | (x == IGNORE), x, x + names)

    torch.testing.assert_close(
        loss.double(), dense_loss(original, strict(label), shuffled, strict(shuffled_label)), rtol=1e-5, atol=1e-6
    )


def test_category_decides_whether_audio_is_the_same():
    _, label, metas, _ = batch()
    metas = [dict(audio_label=(1,), category=str(i)) for i in range(4)]  # as on AVSBench objects
    for match, expected in ((True, {0}), (False, {1})):
        draw = CAVPLoss(match_category=match).draw((label > 0).long(), metas)
        moved = draw.permutation[draw.shuffled.image] != draw.shuffled.image
        assert set(draw.shuffled.label[moved].tolist()) <= expected
        assert set(draw.shuffled.label[~moved].tolist()) <= {1}


def test_length_of_features_and_loss_weight():
    features, label = torch.randn(20, 8), torch.randint(3, (20,))
    loss = CAVPLoss()(features, label)
    torch.testing.assert_close(CAVPLoss(loss_weight=0.5)(3 * features, label), 0.5 * loss)


def test_bfloat16_features():
    features, label = torch.randn(20, 8).bfloat16().requires_grad_(), torch.randint(3, (20,))
    loss = CAVPLoss()(features, label)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, CAVPLoss()(features.float(), label))
    loss.backward()
    assert features.grad.dtype == torch.bfloat16 and features.grad.isfinite().all() and features.grad.any()


@pytest.mark.parametrize('loss_type', [CAVPLoss, SupConLoss])
def test_separated_features_cost_less(loss_type):
    noise, label = torch.randn(30, 8), torch.randint(3, (30,))
    perfect = F.one_hot(label, 8).float()
    losses = [loss_type()(features, label).item() for features in (perfect, perfect + 0.3 * noise, noise)]
    assert losses[0] < losses[1] < losses[2]


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(positive_share=0.0), 'contrast_loss.positive_share'),
        (dict(positive_share=1.0), 'contrast_loss.positive_share'),
        (dict(temperature=0.0), 'temperature > 0'),
        (dict(max_views=0), 'max_views >= 1'),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        CAVPLoss(**options)


@pytest.mark.parametrize('name', ['CAVPLoss', 'SupConLoss', 'OriginalPairsLoss'])
def test_registered(name):
    assert MODELS.build(dict(type=name, loss_name='loss_x')).loss_name == 'loss_x'

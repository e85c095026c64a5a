"""mmseg's losses against PyTorch's and against their formulas, with ignored pixels, on class indices."""

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS

from mmavs.compat import mmseg as loss_repairs

IGNORED = 255
WEIGHTS = [0.2, 1.0, 3.0]


@pytest.fixture
def pred():
    return torch.randn(2, 3, 4, 5, requires_grad=True)


@pytest.fixture
def label():
    label = torch.randint(3, (2, 4, 5))
    label[0, :2] = label[1, 3, 1:] = IGNORED
    return label


def test_weighted_cross_entropy_is_that_of_pytorch(pred, label):
    loss = MODELS.build(dict(type='CrossEntropyLoss', class_weight=WEIGHTS, avg_non_ignore=True))
    expected = F.cross_entropy(pred, label, torch.tensor(WEIGHTS), ignore_index=IGNORED)
    torch.testing.assert_close(loss(pred, label, ignore_index=IGNORED), expected)


@pytest.mark.parametrize('avg_non_ignore', [False, True])
def test_weights_of_one_change_nothing(pred, label, avg_non_ignore):
    weighted, plain = (
        MODELS.build(dict(type='CrossEntropyLoss', class_weight=weights, avg_non_ignore=avg_non_ignore))
        for weights in ([1.0] * 3, None)
    )
    torch.testing.assert_close(weighted(pred, label, ignore_index=IGNORED), plain(pred, label, ignore_index=IGNORED))


def focal_of_a_pixel(probability, positive, gamma, alpha):
    p, a = (probability, alpha) if positive else (1 - probability, 1 - alpha)
    return -a * (1 - p) ** gamma * p.log()


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('sampled', [False, True])
def test_focal_loss_is_its_formula(label, channels, sampled):
    """A sum over pixels and classes, one after the other; a sampler's weights count."""
    pred = torch.randn(2, channels, 4, 5, requires_grad=True)
    if channels == 1:
        label = torch.where(label == 2, 0, label)
    weight = torch.rand(2, 4, 5) if sampled else None
    loss = MODELS.build(dict(type='FocalLoss', gamma=1.5, alpha=0.3, loss_weight=2.0))
    found = loss(pred, label, weight=weight, ignore_index=IGNORED)
    total = 0.0
    for b, y, x in torch.cartesian_prod(torch.arange(2), torch.arange(4), torch.arange(5)).tolist():
        for c in range(channels):
            positive = label[b, y, x] == (1 if channels == 1 else c)
            if label[b, y, x] != IGNORED:
                value = focal_of_a_pixel(pred[b, c, y, x].sigmoid(), positive, 1.5, 0.3)
                total += value * (1 if weight is None else weight[b, y, x])
    torch.testing.assert_close(found, 2 * total / pred.numel())
    each = loss(pred, label, weight=weight, reduction_override='none', ignore_index=IGNORED)
    assert each.shape == pred.shape and not each.movedim(1, -1)[label == IGNORED].any()
    torch.testing.assert_close(each.mean(), found)


def test_focal_loss_takes_one_hot_labels_too(pred, label):
    label = label.clamp_max(2)
    one_hot = F.one_hot(label, 3).movedim(-1, 1)
    loss = MODELS.build(dict(type='FocalLoss'))
    torch.testing.assert_close(loss(pred, label), loss(pred, one_hot))


def test_repairs_are_made_once():
    from mmseg.models.losses import FocalLoss

    before = FocalLoss.forward
    loss_repairs.apply()
    assert FocalLoss.forward is before and not hasattr(before.__wrapped__, '__wrapped__')

"""mmseg's losses against PyTorch's and against their formulas, with ignored pixels, on class indices."""

from importlib import import_module

import numpy as np
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


def random_cross_entropy(rng, out_of_range):
    """Arguments of mmseg's cross entropy; with ``out_of_range`` those with which it may index beyond its weights."""
    classes = rng.integers(2, 6)
    inside = [int(rng.integers(-classes, classes))]
    ignore_index = int(rng.choice([classes, 255, -classes - 1] if out_of_range else inside))
    label = torch.from_numpy(rng.integers(classes, size=(2, 3, 4)))
    if rng.random() < (1.0 if out_of_range else 0.7):
        label[torch.from_numpy(rng.random((2, 3, 4)) < 0.3)] = ignore_index if ignore_index >= 0 or out_of_range else 0
    options = dict(
        class_weight=torch.from_numpy(rng.random(classes).astype('float32')),
        weight=torch.from_numpy(rng.random((2, 3, 4)).astype('float32')) if rng.random() < 0.3 else None,
        reduction=str(rng.choice(['mean', 'mean', 'sum', 'none'])),
        ignore_index=ignore_index,
        avg_non_ignore=bool(rng.random() < 0.5),
    )
    if options['reduction'] == 'mean' and rng.random() < 0.2:
        options['avg_factor'] = 7.0
    if rng.random() < 0.2:
        options['class_weight'] = None
    return torch.from_numpy(rng.standard_normal((2, classes, 3, 4)).astype('float32')), label, options


def loss_and_grad(function, pred, *args, **options):
    pred = pred.clone().requires_grad_()
    loss = function(pred, *args, **options)
    return loss.detach(), torch.autograd.grad(loss.sum(), pred)[0]


@pytest.mark.parametrize('out_of_range', [False, True])
def test_cross_entropy_is_that_of_mmseg_bit_for_bit_where_mmseg_does_not_fail(out_of_range):
    repaired = import_module('mmseg.models.losses.cross_entropy_loss').cross_entropy
    rng, failures = np.random.default_rng(0), 0
    for _ in range(200):
        pred, label, options = random_cross_entropy(rng, out_of_range)
        found = loss_and_grad(repaired, pred, label, **options)
        try:
            expected = loss_and_grad(repaired.__wrapped__, pred, label, **options)
        except IndexError:
            failures += 1
            continue
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True)), options
    assert (failures > 20) == out_of_range and failures < 200


def test_labels_without_ignored_pixels_give_the_loss_of_mmseg_with_an_ignore_index_out_of_range(pred):
    repaired = import_module('mmseg.models.losses.cross_entropy_loss').cross_entropy
    options = dict(class_weight=torch.tensor(WEIGHTS), ignore_index=IGNORED)
    label = torch.randint(3, (2, 4, 5))
    assert torch.equal(repaired(pred, label, **options), repaired.__wrapped__(pred, label, **options))


@pytest.mark.parametrize(
    'classes, label', [(2, 2), (4, 0), (3, 7), (3, -1)], ids=['fewer', 'more', 'label above', 'label below']
)
def test_wrong_weights_and_labels_are_refused_as_by_torch(classes, label):
    repaired = import_module('mmseg.models.losses.cross_entropy_loss').cross_entropy
    options = dict(class_weight=torch.ones(classes), ignore_index=IGNORED)
    args = torch.randn(1, 3, 2, 2), torch.full((1, 2, 2), label)
    with pytest.raises((RuntimeError, IndexError)) as found:
        repaired(*args, **options)
    with pytest.raises((RuntimeError, IndexError)) as expected:
        repaired.__wrapped__(*args, **options)
    assert str(found.value) == str(expected.value)


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
    unpatched = type(loss).forward.__wrapped__
    assert torch.equal(loss(pred, one_hot), unpatched(loss, pred, one_hot))
    with pytest.raises(RuntimeError, match='The size of tensor a'):
        unpatched(loss, pred, label)


def test_repairs_are_applied_once():
    from mmseg.models.losses import FocalLoss

    before = FocalLoss.forward
    loss_repairs.apply()
    assert FocalLoss.forward is before and not hasattr(before.__wrapped__, '__wrapped__')

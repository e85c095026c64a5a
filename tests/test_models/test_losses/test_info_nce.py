import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from dense_info_nce import dense_info_nce

from mmavs.models.losses import info_nce
from mmavs.models.losses import info_nce_blockwise as blockwise
from mmavs.models.losses.info_nce_blockwise import info_nce_any_size, info_nce_blockwise

LABELS = {
    'two equal classes': [0] * 10 + [1] * 10,
    'uneven classes': [0] * 17 + [3] * 2 + [7] * 5 + [1],
    'unsorted': [2, 0, 1, 1, 0, 2, 2, 0, 1, 0, 2],
    'single class': [4] * 9,
    'singletons only': [0, 1, 2, 3],
    'one pair among singletons': [5, 0, 1, 5, 2],
    'labels of the strict reading': [0, 0, 513, 257, 513, 257, 257, 0],
    'empty': [],
    'one sample': [3],
}


def loss_and_grad(function, embedding, label, temperature):
    embedding = embedding.clone().requires_grad_()
    loss = function(embedding, label, temperature)
    loss.backward()
    return loss.detach(), embedding.grad


def unit_vectors(count, channels=6):
    return F.normalize(torch.randn(count, channels, dtype=torch.float64), dim=1)


@pytest.fixture(params=[info_nce, info_nce_blockwise])
def form(request):
    """Eq. 4 as an equation, and in blocks."""
    return request.param


def test_golden_info_nce(golden_file, form):
    golden = np.load(golden_file('info_nce.npz'))
    loss, grad = loss_and_grad(
        form, torch.tensor(golden['embedding']), torch.tensor(golden['label']), float(golden['temperature'])
    )
    np.testing.assert_allclose(loss, golden['loss'], rtol=0, atol=1e-5)
    np.testing.assert_allclose(grad, golden['grad'], rtol=0, atol=1e-5)


def test_two_pairs_by_hand(form):
    # Each anchor: one positive with product 1, two negatives with product 0.
    embedding = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    loss = form(embedding, torch.tensor([0, 1, 0, 1]), temperature=0.5)
    assert loss.item() == pytest.approx(-math.log(math.exp(2) / (math.exp(2) + 2)), abs=1e-6)


def test_other_positives_are_not_in_the_denominator(form):
    # Three equal vectors of one class and no negative: SupCon would give log 2, Eq. 4 gives 0.
    assert form(torch.tensor([[1.0, 0.0]] * 3), torch.zeros(3, dtype=torch.long)) == 0


def check_against_dense(form, label, temperature):
    embedding = unit_vectors(len(label))
    expected_loss, expected_grad = loss_and_grad(dense_info_nce, embedding, label, temperature)
    loss, grad = loss_and_grad(form, embedding.float(), label, temperature)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), expected_loss, rtol=1e-5, atol=1e-6)
    scale = 1 / temperature  # of the gradient, and of its rounding
    torch.testing.assert_close(grad.double() / scale, expected_grad / scale, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('name', LABELS)
def test_equals_one_anchor_at_a_time_in_float64(form, name):
    for temperature in (1.0, 0.1, 0.01):
        check_against_dense(form, torch.tensor(LABELS[name], dtype=torch.long), temperature)


@pytest.mark.parametrize('block_elements', [1, 40])
def test_size_of_the_blocks_does_not_matter(monkeypatch, block_elements):
    monkeypatch.setattr(blockwise, '_BLOCK_ELEMENTS', block_elements)
    check_against_dense(info_nce_blockwise, torch.tensor(LABELS['uneven classes']), 0.1)


def test_many_samples_are_computed_in_blocks(monkeypatch):
    monkeypatch.setitem(blockwise.MAX_PLAIN_SAMPLES, 'cpu', 10)
    monkeypatch.setattr(blockwise, 'info_nce', lambda *args: 'plain')
    monkeypatch.setattr(blockwise, 'info_nce_blockwise', lambda *args: 'blocks')
    assert [info_nce_any_size(torch.zeros(n, 2), torch.zeros(n)) for n in (10, 11)] == ['plain', 'blocks']


@pytest.mark.parametrize('similarity', [-1.0, 1.0])
def test_saturated_products_stay_finite(similarity, form):
    # Margins of +-200 at temperature 0.01: one side of every exponential under- or overflows in float32.
    base = torch.tensor([1.0, 0.0])
    embedding = torch.stack([base, base, similarity * base, similarity * base])
    label = torch.tensor([0, 0, 1, 1]) if similarity < 0 else torch.tensor([0, 1, 0, 1])
    loss, grad = loss_and_grad(form, embedding, label, 0.01)
    expected_loss, expected_grad = loss_and_grad(dense_info_nce, embedding.double(), label, 0.01)
    torch.testing.assert_close(loss.double(), expected_loss, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(grad.double(), expected_grad, rtol=1e-4, atol=1e-4)


def test_wrongly_clustered_samples_cost_two_over_temperature(form):
    # The worst case: positives are opposite, negatives equal.
    embedding = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    loss, grad = loss_and_grad(form, embedding, torch.tensor([0, 0, 1, 1]), 0.01)
    assert loss.item() == pytest.approx(200, abs=0.1)
    assert grad.isfinite().all() and grad.abs().max() > 1


def test_order_of_samples_does_not_matter(form):
    label = torch.tensor(LABELS['uneven classes'])
    embedding = unit_vectors(len(label)).float()
    order = torch.randperm(len(label))
    loss, grad = loss_and_grad(form, embedding, label, 0.1)
    permuted_loss, permuted_grad = loss_and_grad(form, embedding[order], label[order], 0.1)
    torch.testing.assert_close(permuted_loss, loss)
    torch.testing.assert_close(permuted_grad, grad[order], rtol=1e-4, atol=1e-6)


def test_names_of_labels_do_not_matter(form):
    label = torch.tensor(LABELS['unsorted'])
    embedding = unit_vectors(len(label)).float()
    torch.testing.assert_close(form(embedding, 20 - label), form(embedding, label))


def test_gradient_is_scaled_by_the_outer_gradient(form):
    label = torch.tensor(LABELS['unsorted'])
    embedding = unit_vectors(len(label)).float()
    _, grad = loss_and_grad(form, embedding, label, 0.1)
    _, scaled = loss_and_grad(lambda *args: 3 * form(*args), embedding, label, 0.1)
    torch.testing.assert_close(scaled, 3 * grad)


def test_float32_under_autocast(form):
    label = torch.tensor(LABELS['unsorted'])
    embedding = unit_vectors(len(label)).float()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = form(embedding, label)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, form(embedding, label), rtol=0, atol=0)


def test_no_gradient_is_stored_if_none_is_needed(form):
    label = torch.tensor(LABELS['unsorted'])
    embedding = unit_vectors(len(label)).float()
    assert not form(embedding, label).requires_grad


def test_wrong_shapes_are_named(form):
    with pytest.raises(ValueError, match=r'\(5, 3\) and \(4,\)'):
        form(torch.zeros(5, 3), torch.zeros(4, dtype=torch.long))

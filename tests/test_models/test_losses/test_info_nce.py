import importlib
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from dense_info_nce import dense_info_nce

from mmavs.models.losses import info_nce

module = importlib.import_module('mmavs.models.losses.info_nce')  # the package has the function under this name

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


def test_golden_info_nce(golden_file):
    golden = np.load(golden_file('info_nce.npz'))
    loss, grad = loss_and_grad(
        info_nce, torch.tensor(golden['embedding']), torch.tensor(golden['label']), float(golden['temperature'])
    )
    np.testing.assert_allclose(loss, golden['loss'], rtol=0, atol=1e-5)
    np.testing.assert_allclose(grad, golden['grad'], rtol=0, atol=1e-5)


def test_two_pairs_by_hand():
    # Each anchor: one positive with product 1, two negatives with product 0.
    embedding = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    loss = info_nce(embedding, torch.tensor([0, 1, 0, 1]), temperature=0.5)
    assert loss.item() == pytest.approx(-math.log(math.exp(2) / (math.exp(2) + 2)), abs=1e-6)


def test_other_positives_are_not_in_the_denominator():
    # Three equal vectors of one class and no negative: SupCon would give log 2, Eq. 4 gives 0.
    assert info_nce(torch.tensor([[1.0, 0.0]] * 3), torch.zeros(3, dtype=torch.long)) == 0


@pytest.mark.parametrize('block_elements', [1, 40, 2**21])
@pytest.mark.parametrize('temperature', [1.0, 0.1, 0.01])
@pytest.mark.parametrize('name', LABELS)
def test_equals_dense_computation_in_float64(monkeypatch, name, temperature, block_elements):
    monkeypatch.setattr(module, '_BLOCK_ELEMENTS', block_elements)
    label = torch.tensor(LABELS[name], dtype=torch.long)
    embedding = unit_vectors(len(label))
    expected_loss, expected_grad = loss_and_grad(dense_info_nce, embedding, label, temperature)
    loss, grad = loss_and_grad(info_nce, embedding.float(), label, temperature)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), expected_loss, rtol=1e-5, atol=1e-6)
    scale = 1 / temperature  # of the gradient, and of its rounding
    torch.testing.assert_close(grad.double() / scale, expected_grad / scale, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('similarity', [-1.0, 1.0])
def test_saturated_products_stay_finite(similarity):
    # Margins of +-200 at temperature 0.01: one side of every exponential under- or overflows in float32.
    base = torch.tensor([1.0, 0.0])
    embedding = torch.stack([base, base, similarity * base, similarity * base])
    label = torch.tensor([0, 0, 1, 1]) if similarity < 0 else torch.tensor([0, 1, 0, 1])
    loss, grad = loss_and_grad(info_nce, embedding, label, 0.01)
    expected_loss, expected_grad = loss_and_grad(dense_info_nce, embedding.double(), label, 0.01)
    torch.testing.assert_close(loss.double(), expected_loss, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(grad.double(), expected_grad, rtol=1e-4, atol=1e-4)


def test_wrongly_clustered_samples_cost_two_over_temperature():
    # The worst case: positives are opposite, negatives equal.
    embedding = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    loss, grad = loss_and_grad(info_nce, embedding, torch.tensor([0, 0, 1, 1]), 0.01)
    assert loss.item() == pytest.approx(200, abs=0.1)
    assert grad.isfinite().all() and grad.abs().max() > 1


def test_order_of_samples_does_not_matter():
    label = torch.tensor(LABELS['uneven classes'])
    embedding = unit_vectors(len(label)).float()
    order = torch.randperm(len(label))
    loss, grad = loss_and_grad(info_nce, embedding, label, 0.1)
    permuted_loss, permuted_grad = loss_and_grad(info_nce, embedding[order], label[order], 0.1)
    torch.testing.assert_close(permuted_loss, loss)
    torch.testing.assert_close(permuted_grad, grad[order], rtol=1e-4, atol=1e-6)


def test_names_of_labels_do_not_matter():
    label = torch.tensor(LABELS['unsorted'])
    embedding = unit_vectors(len(label)).float()
    torch.testing.assert_close(info_nce(embedding, 20 - label), info_nce(embedding, label))


def test_gradient_is_scaled_by_what_follows():
    label = torch.tensor(LABELS['unsorted'])
    embedding = unit_vectors(len(label)).float()
    _, grad = loss_and_grad(info_nce, embedding, label, 0.1)
    _, scaled = loss_and_grad(lambda *args: 3 * info_nce(*args), embedding, label, 0.1)
    torch.testing.assert_close(scaled, 3 * grad)


def test_float32_under_autocast():
    label = torch.tensor(LABELS['unsorted'])
    embedding = unit_vectors(len(label)).float()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = info_nce(embedding, label)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, info_nce(embedding, label), rtol=0, atol=0)


def test_nothing_is_kept_where_no_gradient_is_wanted():
    label = torch.tensor(LABELS['unsorted'])
    embedding = unit_vectors(len(label)).float()
    assert not info_nce(embedding, label).requires_grad


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r'\(5, 3\) and \(4,\)'):
        info_nce(torch.zeros(5, 3), torch.zeros(4, dtype=torch.long))

import math

import pytest
import torch
import torch.nn.functional as F

from mmavs.models.losses import sup_con


def dense_sup_con(z, label, temperature):
    """L_out of Khosla et al. by loops over anchors and positives."""
    losses = []
    for i in range(len(label)):
        others = [a for a in range(len(label)) if a != i]
        positives = [p for p in others if label[p] == label[i]]
        denominator = sum(torch.exp(z[i] @ z[a] / temperature) for a in others)
        terms = [-torch.log(torch.exp(z[i] @ z[p] / temperature) / denominator) for p in positives]
        losses += [sum(terms) / len(terms)] if terms else []
    return sum(losses) / len(losses) if losses else z.sum() * 0


@pytest.mark.parametrize('label', [[0] * 6 + [1] * 6, [0, 0, 0, 2, 1, 1, 2, 5], [4] * 5, [0, 1, 2], []])
def test_equals_one_anchor_at_a_time(label):
    label = torch.tensor(label, dtype=torch.long)
    z = F.normalize(torch.randn(len(label), 6, dtype=torch.float64), dim=1).requires_grad_()
    loss, expected = sup_con(z, label, 0.1), dense_sup_con(z, label, 0.1)
    torch.testing.assert_close(loss, expected)
    (grad,) = torch.autograd.grad(loss, z)
    torch.testing.assert_close(grad, torch.autograd.grad(expected, z)[0])


def test_other_positives_are_in_the_denominator():
    # Three equal vectors of one class and no negative: each positive is one of two other samples.
    assert sup_con(torch.tensor([[1.0, 0.0]] * 3), torch.zeros(3, dtype=torch.long)).item() == pytest.approx(
        math.log(2)
    )


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r'\(5, 3\) and \(4,\)'):
        sup_con(torch.zeros(5, 3), torch.zeros(4, dtype=torch.long))

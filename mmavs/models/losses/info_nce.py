"""Eq. 4 of the paper."""

import torch
import torch.nn.functional as F
from torch import Tensor


def info_nce(z: Tensor, label: Tensor, temperature: float = 0.1) -> Tensor:
    r"""Supervised InfoNCE (Eq. 4 of the CAVP paper), the mean over all anchors that have a positive.

    .. math::
        \ell(z) = \frac{1}{|P|} \sum_{p \in P}
            -\log \frac{\exp(z \cdot z_p / \tau)}{\exp(z \cdot z_p / \tau) + \sum_{n \in N} \exp(z \cdot z_n / \tau)}

    with the positives P of anchor z (same label, z itself excluded) and its negatives N (another label). The
    denominator has one positive and the negatives. That of :func:`sup_con` also has the other positives.

    Args:
        z: (M, C), L2-normalized; every sample is both anchor and contrast.
        label: (M,), integers.
        temperature: tau.

    Returns:
        Tensor: The loss; 0 where no anchor has a positive.
    """
    check_shapes(z, label)
    with torch.autocast(z.device.type, enabled=False):
        products = z @ z.T / temperature  # (M, M)
    same = label[:, None] == label
    negatives = products.masked_fill(same, float('-inf')).logsumexp(dim=1, keepdim=True)  # (M, 1)
    # -log(exp(p) / (exp(p) + exp(n))) = softplus(n - p)
    return mean_over_positives(F.softplus(negatives - products), same)


def mean_over_positives(terms: Tensor, same: Tensor) -> Tensor:
    """Averages over the positives of each anchor, then over the anchors that have one.

    Args:
        terms: (M, M), the loss of each (anchor, sample).
        same: (M, M), bool, True where the two have the same label.

    Returns:
        Tensor: The mean; 0 where no anchor has a positive.
    """
    positive = same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
    count = positive.sum(dim=1)
    per_anchor = terms.where(positive, 0).sum(dim=1) / count.clamp_min(1)
    return per_anchor.sum() / (count > 0).sum().clamp_min(1)


def check_shapes(z: Tensor, label: Tensor) -> None:
    """Checks the shapes (M, C) and (M,).

    Raises:
        ValueError: The shapes are different.
    """
    if z.ndim != 2 or label.shape != z.shape[:1]:
        raise ValueError(f'need embeddings (M, C) and labels (M,), got {tuple(z.shape)} and {tuple(label.shape)}')

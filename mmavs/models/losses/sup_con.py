"""The supervised contrastive loss of Khosla et al., the third row of the paper's Table 4."""

import torch
from torch import Tensor

from .info_nce import check_shapes, mean_over_positives


def sup_con(z: Tensor, label: Tensor, temperature: float = 0.1) -> Tensor:
    r"""``L_out`` of Supervised Contrastive Learning (Khosla et al., NeurIPS 2020, Eq. 2), as a mean over anchors.

    .. math::
        \ell(z) = \frac{1}{|P|} \sum_{p \in P}
            -\log \frac{\exp(z \cdot z_p / \tau)}{\sum_{a \in P \cup N} \exp(z \cdot z_a / \tau)}

    The denominator has all other samples, including the other positives.

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
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    log_denominator = products.masked_fill(itself, float('-inf')).logsumexp(dim=1, keepdim=True)  # (M, 1)
    return mean_over_positives(log_denominator - products, label[:, None] == label)

"""Eq. 4 of the paper, computed in blocks with its gradient in closed form."""

import torch
import torch.nn.functional as F
from torch import Tensor

_BLOCK_ELEMENTS = 2**21
"""Products held at a time: a few MB, whatever the number of samples."""


def info_nce(embedding: Tensor, label: Tensor, temperature: float = 0.1) -> Tensor:
    """Supervised InfoNCE (Eq. 4), the mean over all anchors that have a positive.

    For anchor z, with its positives P (same label, itself excluded) and negatives N (another label)::

        l = 1/|P| * sum_p -log( exp(z.p / t) / (exp(z.p / t) + sum_n exp(z.n / t)) )

    Unlike in common SupCon code the denominator holds the one positive and the negatives, not the other positives.

    Args:
        embedding: (M, C), L2-normalised, every sample both anchor and contrast.
        label: (M,), whole numbers.
        temperature: t.

    Returns:
        Tensor: The loss, float32; 0 where no anchor has a positive.
    """
    if embedding.ndim != 2 or label.shape != embedding.shape[:1]:
        raise ValueError(
            f'info_nce needs embedding (M, C) and label (M,), got {tuple(embedding.shape)} and {tuple(label.shape)}'
        )
    # In order of their labels the positives of an anchor are a range of columns.
    label, order = label.sort(stable=True)
    counts = torch.unique_consecutive(label, return_counts=True)[1].tolist()
    with torch.autocast(embedding.device.type, enabled=False):
        return _InfoNCE.apply(embedding.float()[order], tuple(counts), temperature)


class _InfoNCE(torch.autograd.Function):
    """Loss and gradient in one pass over blocks of rows; nothing of size M x M is kept."""

    @staticmethod
    def forward(ctx, z: Tensor, counts: tuple[int, ...], temperature: float) -> Tensor:
        num_anchors = sum(n for n in counts if n > 1)
        loss = z.new_zeros(())
        grad = torch.zeros_like(z) if ctx.needs_input_grad[0] else None
        rows = max(1, _BLOCK_ELEMENTS // max(1, len(z)))
        first = 0
        for count in counts:
            last = first + count
            for start in range(first, last, rows) if count > 1 else ():
                stop = min(start + rows, last)
                loss += _add_block(z, grad, slice(start, stop), slice(first, last), temperature, num_anchors)
            first = last
        ctx.save_for_backward(grad)
        return loss

    @staticmethod
    def backward(ctx, grad_output: Tensor):
        return ctx.saved_tensors[0] * grad_output, None, None


def _add_block(z: Tensor, grad: Tensor, rows: slice, positives: slice, temperature: float, num_anchors: int) -> Tensor:
    """Loss of the anchors ``rows``; adds its gradient to ``grad``. ``positives`` are the samples of their label."""
    product = (z[rows] @ z.T).div_(temperature)
    own = product[:, positives].clone()
    product[:, positives] = float('-inf')
    # log sum_n exp(z.n / t); -inf where there is no negative
    log_negatives = product.logsumexp(dim=1, keepdim=True)
    weight = 1 / ((own.shape[1] - 1) * num_anchors)
    margin = log_negatives - own
    diagonal = torch.arange(rows.start - positives.start, rows.stop - positives.start, device=z.device)
    terms = F.softplus(margin)
    terms.scatter_(1, diagonal[:, None], 0)
    if grad is not None:
        pull = margin.sigmoid_().scatter_(1, diagonal[:, None], 0).mul_(weight / temperature)
        shift = log_negatives - pull.sum(dim=1, keepdim=True).log()
        product = product.sub_(shift.nan_to_num_(nan=float('inf'))).exp_()
        product[:, positives] = pull.neg_()
        grad[rows].addmm_(product, z)
        grad.addmm_(product.T, z[rows])
    return terms.sum() * weight

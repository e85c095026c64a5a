"""Eq. 4 of the paper, computed in blocks with its gradient in closed form."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

_BLOCK_ELEMENTS = 2**20
"""Products in a block, at most: 4 MB."""

_KEPT_ELEMENTS = 2**23
"""Products kept for a second use, at most: 32 MB, whatever the number of samples; others are computed twice."""


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
    # In order of their labels, so that samples of one label make blocks.
    label, order = label.sort(stable=True)
    counts = torch.unique_consecutive(label, return_counts=True)[1].tolist()
    with torch.autocast(embedding.device.type, enabled=False):
        return _InfoNCE.apply(embedding.float()[order], tuple(counts), temperature)


class _Tile(NamedTuple):
    """Consecutive samples of one label.

    Attributes:
        rows: Which.
        label: Number of the label.
        weight: Of each pair of an anchor in here and a positive; 0 for a sample that is alone in its label.
    """

    rows: slice
    label: int
    weight: float


class _InfoNCE(torch.autograd.Function):
    """Loss and gradient, block by block; nothing of size M x M is kept.

    Products and their weights in the gradient are symmetric, so that a block (a, b) also serves as (b, a). A block is
    all positives or all negatives, because tiles hold one label each.
    """

    @staticmethod
    def forward(ctx, z: Tensor, counts: tuple[int, ...], temperature: float) -> Tensor:
        tiles = _make_tiles(counts)
        blocks = [(a, b) for i, a in enumerate(tiles) for b in tiles[i:]]
        positives = [(a, b) for a, b in blocks if a.label == b.label]
        negatives = [(a, b) for a, b in blocks if a.label != b.label]
        products = _Products(z, temperature)
        log_negatives = _sum_negatives(z, negatives, products)
        grad = torch.zeros_like(z) if ctx.needs_input_grad[0] else None
        loss, pull = _add_positives(grad, z, positives, products, log_negatives)
        if grad is not None:
            # exp(product - shift): what a negative takes of the pull of all positives; inf where there is none
            shift = (log_negatives - pull.log()).nan_to_num_(nan=float('inf'))
            _add_negatives(grad, z, negatives, products, shift)
            ctx.save_for_backward(grad.div_(temperature))
        return loss

    @staticmethod
    def backward(ctx, grad_output: Tensor):
        return ctx.saved_tensors[0] * grad_output, None, None


class _Products:
    """z.z / t of a block: kept for its second use as far as there is room."""

    def __init__(self, z: Tensor, temperature: float) -> None:
        self._z, self._temperature = z, temperature
        self._kept: dict[tuple[int, int], Tensor] = {}
        self._room = _KEPT_ELEMENTS

    def compute(self, a: _Tile, b: _Tile) -> Tensor:
        return (self._z[a.rows] @ self._z[b.rows].T).div_(self._temperature)

    def compute_and_keep(self, a: _Tile, b: _Tile) -> Tensor:
        product = self.compute(a, b)
        if product.numel() <= self._room:
            self._room -= product.numel()
            self._kept[a.rows.start, b.rows.start] = product
        return product

    def take(self, a: _Tile, b: _Tile) -> Tensor:
        product = self._kept.pop((a.rows.start, b.rows.start), None)
        return self.compute(a, b) if product is None else product


def _make_tiles(counts: tuple[int, ...]) -> list[_Tile]:
    side = max(1, math.isqrt(_BLOCK_ELEMENTS))
    anchors = sum(n for n in counts if n > 1)
    tiles, first = [], 0
    for label, count in enumerate(counts):
        weight = 1 / ((count - 1) * anchors) if count > 1 else 0.0
        last = first + count
        tiles += [_Tile(slice(i, min(i + side, last)), label, weight) for i in range(first, last, side)]
        first = last
    return tiles


def _sum_negatives(z: Tensor, negatives: list[tuple[_Tile, _Tile]], products: _Products) -> Tensor:
    """log sum_n exp(z.n / t) of each sample (M,); -inf where there is no negative."""
    total = z.new_full((len(z),), float('-inf'))
    for a, b in negatives:
        product = products.compute_and_keep(a, b)
        total[a.rows] = torch.logaddexp(total[a.rows], product.logsumexp(dim=1))
        total[b.rows] = torch.logaddexp(total[b.rows], product.logsumexp(dim=0))
    return total


def _add_positives(
    grad: Tensor | None, z: Tensor, positives: list[tuple[_Tile, _Tile]], products: _Products, log_negatives: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss, and what all positives together pull at each anchor (M,); adds the gradient towards positives."""
    loss, pull = z.new_zeros(()), torch.zeros_like(log_negatives)
    for a, b in positives:
        product = products.compute(a, b)
        weights = torch.zeros_like(product)
        # (b, a) are the same products with the other tile as anchors; a tile with itself is its own mirror image.
        for anchors, dim in ((a, 1),) if a is b else ((a, 1), (b, 0)):
            margin = log_negatives[anchors.rows].unsqueeze(dim) - product
            terms = F.softplus(margin)
            shares = margin.sigmoid_().mul_(a.weight)
            if a is b:  # not a sample with itself
                terms.fill_diagonal_(0)
                shares.fill_diagonal_(0)
            loss += terms.sum() * a.weight
            pull[anchors.rows] += shares.sum(dim=dim)
            weights -= shares
        if grad is not None:
            _add_block(grad, z, a, b, weights + weights.T if a is b else weights)
    return loss, pull


def _add_negatives(
    grad: Tensor, z: Tensor, negatives: list[tuple[_Tile, _Tile]], products: _Products, shift: Tensor
) -> None:
    """Adds the gradient away from negatives."""
    for a, b in negatives:
        product = products.take(a, b)
        weights = (product - shift[a.rows, None]).exp_()
        weights += product.sub_(shift[b.rows]).exp_()
        _add_block(grad, z, a, b, weights)


def _add_block(grad: Tensor, z: Tensor, a: _Tile, b: _Tile, weights: Tensor) -> None:
    grad[a.rows].addmm_(weights, z[b.rows])
    if a is not b:
        grad[b.rows].addmm_(weights.T, z[a.rows])

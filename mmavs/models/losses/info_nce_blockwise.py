"""Eq. 4 of the paper for many samples: computed in blocks, with its gradient in closed form.

Products and their weights in the gradient are symmetric, so that one block serves both of its sides as anchors. With
``n`` the logarithm of the sum over an anchor's negatives, the derivative of ``softplus(n - p)`` is ``sigmoid(n - p)``
with respect to ``n`` and its opposite with respect to ``p``; with respect to a negative's product ``q`` it is
``sigmoid(n - p) * exp(q - n)``. Nothing of size (M, M) is kept.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .info_nce import check_shapes, info_nce

_BLOCK_ELEMENTS = 2**20
"""Products in a block, at most: 4 MB."""

_KEPT_ELEMENTS = 2**23
"""Products kept for a second use, at most: 32 MB, whatever the number of samples; others are computed twice."""

MAX_PLAIN_SAMPLES = dict(cpu=2048, cuda=8192)
"""Up to here :func:`info_nce` itself is used.

On a CPU core the blocks take 0.35 to 0.45 of its time at 1,500, 4,000 and 8,000 samples, but are hundreds of small
operations, which suffer where other processes use the cores; below 2,048 either is little of a training step. On a GPU
such operations cost more than they save, so that memory decides: (M, M) floats are 268 MB at 8,192 samples.
"""


def info_nce_any_size(z: Tensor, label: Tensor, temperature: float = 0.1) -> Tensor:
    """Eq. 4 in the form that fits the number of samples; arguments as in :func:`info_nce`."""
    plain = len(z) <= MAX_PLAIN_SAMPLES.get(z.device.type, MAX_PLAIN_SAMPLES['cuda'])
    return (info_nce if plain else info_nce_blockwise)(z, label, temperature)


def info_nce_blockwise(z: Tensor, label: Tensor, temperature: float = 0.1) -> Tensor:
    """Equals :func:`info_nce`, for less memory; the result is float32."""
    check_shapes(z, label)
    # In order of their labels, so that samples of one label make blocks.
    label, order = label.sort(stable=True)
    counts = torch.unique_consecutive(label, return_counts=True)[1].tolist()
    with torch.autocast(z.device.type, enabled=False):
        return _InfoNCE.apply(z.float()[order], tuple(counts), temperature)


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
    """Loss and gradient, block by block: each is all positives or all negatives, because tiles hold one label each."""

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
            # exp(product - shift): a negative's share of the gradient of all positives; inf where there is none
            shift = (log_negatives - pull.log()).nan_to_num_(nan=float('inf'))
            _add_negatives(grad, z, negatives, products, shift)
            ctx.save_for_backward(grad.div_(temperature))
        return loss

    @staticmethod
    def backward(ctx, grad_output: Tensor):
        return ctx.saved_tensors[0] * grad_output, None, None


class _Products:
    """z.z / tau of a block: kept for its second use as far as there is room."""

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
    """log sum_n exp(z.z_n / tau) of each sample (M,); -inf where there is no negative."""
    total = z.new_full((len(z),), float('-inf'))
    for a, b in negatives:
        product = products.compute_and_keep(a, b)
        total[a.rows] = torch.logaddexp(total[a.rows], product.logsumexp(dim=1))
        total[b.rows] = torch.logaddexp(total[b.rows], product.logsumexp(dim=0))
    return total


def _add_positives(
    grad: Tensor | None, z: Tensor, positives: list[tuple[_Tile, _Tile]], products: _Products, log_negatives: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss, and its derivative with respect to each anchor's log sum over negatives (M,).

    Adds the gradient of the positives' products to ``grad``.
    """
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
    """Adds the gradient of the negatives' products to ``grad``."""
    for a, b in negatives:
        product = products.take(a, b)
        weights = (product - shift[a.rows, None]).exp_()
        weights += product.sub_(shift[b.rows]).exp_()
        _add_block(grad, z, a, b, weights)


def _add_block(grad: Tensor, z: Tensor, a: _Tile, b: _Tile, weights: Tensor) -> None:
    grad[a.rows].addmm_(weights, z[b.rows])
    if a is not b:
        grad[b.rows].addmm_(weights.T, z[a.rows])

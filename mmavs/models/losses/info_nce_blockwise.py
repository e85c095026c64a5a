"""Eq. 4 of the paper for many samples: computed in blocks, with its gradient in closed form.

The matrices of products and of their weights in the gradient are symmetric, so a block is used with its rows and with
its columns as anchors. Let ``n`` be the logarithm of the sum over an anchor's negatives. The derivative of ``softplus(n
- p)`` is ``sigmoid(n - p)`` with respect to ``n``, ``-sigmoid(n - p)`` with respect to ``p``, and ``sigmoid(n - p) *
exp(q - n)`` with respect to the product ``q`` with a negative. No (M, M) matrix is stored.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .info_nce import check_shapes, info_nce

_BLOCK_ELEMENTS = 2**20
"""Maximum number of products in a block, 4 MB."""

_KEPT_ELEMENTS = 2**23
"""Maximum number of products that are cached, 32 MB for any number of samples; others are computed twice."""

MAX_PLAIN_SAMPLES = dict(cpu=2048, cuda=8192)
"""Maximum number of samples for which :func:`info_nce` is used.

On an idle CPU core the blockwise form takes 0.35 to 0.45 of its time at 1,500, 4,000 and 8,000 samples. It consists of
hundreds of small operations, which are slow if other processes use the cores. Below 2,048 samples the loss takes a
small part of a training step in either form. On a GPU the small operations cost more time than they save, and the limit
is the
memory: an (M, M) matrix has 268 MB at 8,192 samples.
"""


def info_nce_any_size(z: Tensor, label: Tensor, temperature: float = 0.1) -> Tensor:
    """Eq. 4 in the form that fits the number of samples; arguments as in :func:`info_nce`."""
    plain = len(z) <= MAX_PLAIN_SAMPLES.get(z.device.type, MAX_PLAIN_SAMPLES['cuda'])
    return (info_nce if plain else info_nce_blockwise)(z, label, temperature)


def info_nce_blockwise(z: Tensor, label: Tensor, temperature: float = 0.1) -> Tensor:
    """Equals :func:`info_nce` with less memory; the result is float32."""
    check_shapes(z, label)
    # Sorted by label, so that a block has one label on each side.
    label, order = label.sort(stable=True)
    counts = torch.unique_consecutive(label, return_counts=True)[1].tolist()
    with torch.autocast(z.device.type, enabled=False):
        return _InfoNCE.apply(z.float()[order], tuple(counts), temperature)


class _Tile(NamedTuple):
    """Consecutive samples of one label.

    Attributes:
        rows: Rows of these samples in the sorted features.
        label: Rank of the label.
        weight: Weight of each pair of an anchor of this tile and a positive; 0 if the label has a single sample.
    """

    rows: slice
    label: int
    weight: float


class _InfoNCE(torch.autograd.Function):
    """Loss and gradient by blocks. A tile has one label, so the pairs of a block are all positive or all negative."""

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
            # exp(product - shift) is the weight of a negative in the gradient; inf for anchors without positives
            shift = (log_negatives - pull.log()).nan_to_num_(nan=float('inf'))
            _add_negatives(grad, z, negatives, products, shift)
            ctx.save_for_backward(grad.div_(temperature))
        return loss

    @staticmethod
    def backward(ctx, grad_output: Tensor):
        return ctx.saved_tensors[0] * grad_output, None, None


class _Products:
    """Products z.z / tau of a block, cached for their second use up to ``_KEPT_ELEMENTS``."""

    def __init__(self, z: Tensor, temperature: float) -> None:
        self._z, self._temperature = z, temperature
        self._kept: dict[tuple[int, int], Tensor] = {}
        self._free = _KEPT_ELEMENTS

    def compute(self, a: _Tile, b: _Tile) -> Tensor:
        return (self._z[a.rows] @ self._z[b.rows].T).div_(self._temperature)

    def compute_and_keep(self, a: _Tile, b: _Tile) -> Tensor:
        product = self.compute(a, b)
        if product.numel() <= self._free:
            self._free -= product.numel()
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
    """log sum_n exp(z.z_n / tau) of each sample (M,); -inf for a sample without negatives."""
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

    Adds the gradient with respect to products with positives to ``grad``.
    """
    loss, pull = z.new_zeros(()), torch.zeros_like(log_negatives)
    for a, b in positives:
        product = products.compute(a, b)
        weights = torch.zeros_like(product)
        # Block (b, a) is the transpose of block (a, b); (a, a) is symmetric and is used once.
        for anchors, dim in ((a, 1),) if a is b else ((a, 1), (b, 0)):
            margin = log_negatives[anchors.rows].unsqueeze(dim) - product
            terms = F.softplus(margin)
            shares = margin.sigmoid_().mul_(a.weight)
            if a is b:  # a sample is not its own positive
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
    """Adds the gradient with respect to products with negatives to ``grad``."""
    for a, b in negatives:
        product = products.take(a, b)
        weights = (product - shift[a.rows, None]).exp_()
        weights += product.sub_(shift[b.rows]).exp_()
        _add_block(grad, z, a, b, weights)


def _add_block(grad: Tensor, z: Tensor, a: _Tile, b: _Tile, weights: Tensor) -> None:
    grad[a.rows].addmm_(weights, z[b.rows])
    if a is not b:
        grad[b.rows].addmm_(weights.T, z[a.rows])

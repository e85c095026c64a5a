"""Comparison of two results."""

from collections.abc import Iterable

from torch import Tensor


def close(ours: Iterable[Tensor], reference: Iterable[Tensor], tolerance: float) -> bool:
    """True if all values differ by at most ``tolerance`` times the largest of their tensor, and none is NaN."""
    return all(
        a.shape == b.shape and bool((a - b).abs().max() <= tolerance * b.abs().max())
        for a, b in zip(ours, reference, strict=True)
    )

"""Comparison of two results."""

from collections.abc import Iterable

from torch import Tensor


def close(ours: Iterable[Tensor], reference: Iterable[Tensor], tolerance: float) -> bool:
    """Whether no value differs by more than ``tolerance`` times the largest of its tensor, and none is NaN."""
    return all(
        a.shape == b.shape and bool((a - b).abs().max() <= tolerance * b.abs().max())
        for a, b in zip(ours, reference, strict=True)
    )

"""Numbers of pixels of each kind that the contrastive losses draw."""

from collections.abc import Sequence
from typing import NamedTuple


class Views(NamedTuple):
    """Numbers of pixels.

    Attributes:
        classes: Foreground pixels of original pairs, of each class.
        background: Background pixels of original pairs.
        shuffled: Pixels of shuffled pairs.
    """

    classes: list[int]
    background: int
    shuffled: int


def count_views(
    classes: Sequence[int],
    background: int,
    shuffled: int | None,
    *,
    max_views: int,
    positive_share: float | None = None,
) -> Views:
    """Computes the numbers of pixels to draw.

    By default they are those of the reference: at most ``max_views`` pixels of each foreground class, and equal numbers
    of background pixels and of pixels of shuffled pairs, at most ``max_views`` and at most the smaller of the two
    numbers available. Losses without shuffled pairs draw the background pixels in the same way.

    With ``positive_share``, the total is the same, and this share of it is foreground of original pairs. The share is
    divided among the classes as evenly as possible, and the rest among background and shuffled pairs. If one side has
    too few pixels, the total is reduced and the share is kept.

    Args:
        classes: Number of available foreground pixels of each class.
        background: Number of available background pixels.
        shuffled: Number of available pixels of shuffled pairs; None for losses without such pairs.
        max_views: Maximum number of each kind.
        positive_share: In (0, 1), or None.
    """
    foreground = [min(n, max_views) for n in classes]
    negative = min(max_views, background, sum(classes) if shuffled is None else shuffled)
    kinds = [background] if shuffled is None else [background, shuffled]
    if positive_share is None:
        return Views(foreground, negative, 0 if shuffled is None else negative)
    total = min(
        sum(foreground) + negative * len(kinds), sum(classes) / positive_share, sum(kinds) / (1 - positive_share)
    )
    drawn = divide(round(total * (1 - positive_share)), kinds)
    return Views(divide(round(total * positive_share), classes), drawn[0], sum(drawn[1:]))


def divide(total: int, available: Sequence[int]) -> list[int]:
    """Divides ``total`` among the kinds as evenly as their available numbers allow."""
    parts = [0] * len(available)
    for rank, i in enumerate(sorted(range(len(available)), key=available.__getitem__)):
        parts[i] = min(available[i], (total - sum(parts)) // (len(available) - rank))
    return parts

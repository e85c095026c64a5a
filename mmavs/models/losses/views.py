"""How many pixels of each kind the contrastive losses draw."""

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
    """How many pixels to draw.

    By default as the reference does: of each foreground class ``max_views`` or all there are; of background pixels and
    of pixels of shuffled pairs the same number each, ``max_views`` or what the scarcer of them has. Losses without
    shuffled pairs take the same background pixels.

    With ``positive_share``, as many pixels in all, of which this share is foreground of original pairs, divided among
    the classes as evenly as their pixels allow; the rest is divided among background and shuffled pairs likewise. Where
    one side has too few pixels, fewer are drawn in all and the share stays.

    Args:
        classes: Foreground pixels that there are of each class.
        background: Background pixels that there are.
        shuffled: Pixels of shuffled pairs that there are; None for losses without such pairs.
        max_views: The most of each kind.
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
    """Divides a number as evenly as what is available of each kind allows."""
    parts = [0] * len(available)
    for rank, i in enumerate(sorted(range(len(available)), key=available.__getitem__)):
        parts[i] = min(available[i], (total - sum(parts)) // (len(available) - rank))
    return parts

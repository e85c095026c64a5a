"""Order and temporal smoothing of the results of a video."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from torch import Tensor


def in_order(items: Iterable[tuple[int, float, Any]]) -> Iterator[Any]:
    """Sorts (part, time, value) by time within each part, and yields the values."""
    for _, group in groupby(items, key=itemgetter(0)):
        yield from map(itemgetter(2), sorted(group, key=itemgetter(1)))


def smoothed(items: Iterable[tuple[Any, Any, Tensor]], count: int) -> Iterator[tuple[Any, Any, Tensor]]:
    """Replaces the last entry of each item, a tensor, by its mean over the ``count`` items around it.

    At both ends, and where the size changes, the mean is over the available items.
    """
    if count == 1:
        yield from items
        return
    half, window = count // 2, deque(maxlen=count)
    index = 0  # index in the window of the next item to yield
    for item in items:
        full = len(window) == count
        window.append(item)
        if full:
            index -= 1
        if len(window) - index > half:
            yield _averaged(window, index, half)
            index += 1
    while index < len(window):
        yield _averaged(window, index, half)
        index += 1


def _averaged(window: Sequence[tuple[Any, Any, Tensor]], index: int, half: int) -> tuple[Any, Any, Tensor]:
    item = window[index]
    around = [other[2] for other in islice(window, max(0, index - half), index + half + 1)]
    around = [tensor for tensor in around if tensor.shape == item[2].shape]
    return (*item[:2], sum(around) / len(around))

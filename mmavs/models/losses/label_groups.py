"""Groups pixels by label with a single device synchronization."""

import torch
from torch import Tensor

_SLOTS = 1024
"""Maximum number of different labels in one transfer to the host; more labels need a second transfer."""


def group_by_label(label: Tensor, chosen: Tensor) -> tuple[dict[int, Tensor], Tensor]:
    """Returns the indices of the pixels of each label, and of the chosen pixels.

    Equals ``label.unique()`` and a ``nonzero()`` for each label. On a GPU, each of these synchronizes the device; this
    function does so once, for the numbers of pixels.

    Args:
        label: (N,), integers.
        chosen: (N,), bool.

    Returns:
        tuple: label -> indices (M,), by label; indices of the chosen pixels. All indices are in increasing order.
    """
    values, order = label.sort(stable=True)
    numbers = _count(values, chosen, _SLOTS)
    if numbers[0] > _SLOTS:
        numbers = _count(values, chosen, numbers[0])
    count, num_chosen, *rest = numbers
    sizes, labels = rest[:count], rest[len(rest) // 2 :][:count]
    # A stable sort puts the chosen pixels first and keeps their order.
    return dict(zip(labels, order.split(sizes), strict=True)), (~chosen).sort(stable=True).indices[:num_chosen]


def _count(values: Tensor, chosen: Tensor, slots: int) -> list[int]:
    """Number of different values, number of chosen pixels, then size and value of each group, padded to ``slots``."""
    new = torch.cat([torch.ones_like(values[:1], dtype=torch.bool), values[1:] != values[:-1]])
    group = (new.cumsum(0) - 1).clamp_max(slots - 1)
    sizes = torch.zeros(slots, dtype=torch.long, device=values.device).scatter_add_(0, group, torch.ones_like(group))
    labels = values[sizes.cumsum(0) - 1]
    return torch.cat([new.sum()[None], chosen.sum()[None], sizes, labels.long()]).tolist()

"""Pixels by their labels, with a single wait for the device."""

import torch
from torch import Tensor

_SLOTS = 1024
"""Different labels that one transfer to the host has room for; more of them take a second one."""


def group_by_label(label: Tensor, chosen: Tensor) -> tuple[dict[int, Tensor], Tensor]:
    """The indices of the pixels of each label, and of the chosen pixels.

    Gives what ``label.unique()`` and a ``nonzero()`` for each label give. On a GPU the host waits for each of these,
    here only once: for the numbers of pixels.

    Args:
        label: (N,), whole numbers.
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
    # `sort` puts the chosen pixels first and, being stable, keeps their order.
    return dict(zip(labels, order.split(sizes), strict=True)), (~chosen).sort(stable=True).indices[:num_chosen]


def _count(values: Tensor, chosen: Tensor, slots: int) -> list[int]:
    """Number of different values, number of chosen pixels, then size and value of each group, padded to ``slots``."""
    new = torch.cat([torch.ones_like(values[:1], dtype=torch.bool), values[1:] != values[:-1]])
    group = (new.cumsum(0) - 1).clamp_max(slots - 1)
    sizes = torch.zeros(slots, dtype=torch.long, device=values.device).scatter_add_(0, group, torch.ones_like(group))
    labels = values[sizes.cumsum(0) - 1]
    return torch.cat([new.sum()[None], chosen.sum()[None], sizes, labels.long()]).tolist()

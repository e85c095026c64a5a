"""Small parts of a network that compute in 32 bits with mixed precision too: their rounding would reach all pixels."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full_precision(x: Tensor) -> AbstractContextManager:
    """A context without autocast, on the device of ``x``."""
    device = x.device.type
    return torch.autocast(device, enabled=False) if _has_autocast(device) else nullcontext()


@torch.compiler.assume_constant_result  # torch.compile cannot look into it
def _has_autocast(device: str) -> bool:
    return torch.amp.is_autocast_available(device)

"""Small parts that mixed precision leaves in 32 bits: few of the operations, and all pixels have what they round."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn


def full_precision(x: Tensor) -> AbstractContextManager:
    """A context without autocast, on the device of ``x``."""
    device = x.device.type
    return torch.autocast(device, enabled=False) if _has_autocast(device) else nullcontext()


@torch.compiler.assume_constant_result  # torch.compile cannot look into it
def _has_autocast(device: str) -> bool:
    return torch.amp.is_autocast_available(device)


class FullPrecisionConv2d(nn.Conv2d):
    """A convolution that computes in the precision of its weights, whatever autocast says."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H', W')."""
        with full_precision(x):
            return super().forward(x.to(self.weight.dtype))

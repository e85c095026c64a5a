"""Small parts of a network that stay in float32 with mixed precision, since their rounding errors affect all pixels."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn


def full_precision(x: Tensor) -> AbstractContextManager:
    """A context without autocast, on the device of ``x``."""
    device = x.device.type
    return torch.autocast(device, enabled=False) if _has_autocast(device) else nullcontext()


@torch.compiler.assume_constant_result  # torch.compile cannot trace it
def _has_autocast(device: str) -> bool:
    return torch.amp.is_autocast_available(device)


class FullPrecisionConv2d(nn.Conv2d):
    """A convolution that computes in the precision of its weights, also under autocast.

    It is the last convolution of a decode head, which in bfloat16 causes a third of the error of the logits.
    """

    @classmethod
    def from_conv(cls, conv: nn.Conv2d) -> 'FullPrecisionConv2d':
        """Wraps a convolution with the same parameters, without drawing random numbers."""
        new = nn.utils.skip_init(
            cls,
            *(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, conv.dilation),
            groups=conv.groups,
            bias=conv.bias is not None,
            padding_mode=conv.padding_mode,
        )
        new.weight, new.bias = conv.weight, conv.bias
        return new

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H', W')."""
        with full_precision(x):
            return super().forward(x.to(self.weight.dtype))


def classify_in_full_precision(heads: nn.Module) -> None:
    """Replaces the last convolution ``conv_seg`` of a head, or of each of several heads."""
    for head in heads if isinstance(heads, nn.ModuleList) else [heads]:
        if type(getattr(head, 'conv_seg', None)) is nn.Conv2d:
            head.conv_seg = FullPrecisionConv2d.from_conv(head.conv_seg)

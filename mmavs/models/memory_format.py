"""Channels-last memory for the weights of a model."""

import torch
from torch import Tensor, nn

MIN_CHANNELS = 16
"""A strided 1 x 1 convolution with fewer input channels is unsafe on a CPU, whose vector registers hold 16 floats."""


def use_channels_last(model: nn.Module) -> None:
    """Keeps the weights of a model, and with them its features, channels last in memory.

    A 1 x 1 convolution with a stride and fewer than :data:`MIN_CHANNELS` input channels stays contiguous. Channels
    last, its backward pass in torch's CPU code writes beyond its buffers, which ends the process at some later moment
    (seen with torch 2.11: 4 channels without AVX-512, 8 and 12 with it).

    Args:
        model: Changed in place.
    """
    model.to(memory_format=torch.channels_last)
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and _is_unsafe(module):
            # `contiguous` would do nothing: a kernel of 1 x 1 is contiguous in both formats, but with other strides.
            module.weight.data = module.weight.data.clone(memory_format=torch.contiguous_format)
            module.register_forward_pre_hook(_make_input_contiguous)


def _is_unsafe(conv: nn.Conv2d) -> bool:
    return conv.kernel_size == (1, 1) and max(conv.stride) > 1 and conv.in_channels < MIN_CHANNELS


def _make_input_contiguous(conv: nn.Conv2d, inputs: tuple[Tensor]) -> tuple[Tensor]:
    (x,) = inputs
    return (x.clone(memory_format=torch.contiguous_format) if x.device.type == 'cpu' else x,)

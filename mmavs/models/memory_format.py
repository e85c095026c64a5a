"""Channels-last memory for the weights of a model."""

import torch
from torch import Tensor, nn

MIN_CHANNELS = 16
"""A strided 1 x 1 convolution with fewer input channels is unsafe on a CPU; its vector registers hold 16 floats."""


def use_channels_last(model: nn.Module) -> None:
    """Converts the weights of a model, and thereby its features, to channels-last memory format.

    A 1 x 1 convolution with a stride and fewer than :data:`MIN_CHANNELS` input channels stays contiguous. In
    channels-last format, its backward pass in torch's CPU code writes beyond its buffers, and the process crashes later
    (seen with torch 2.11: 4 channels without AVX-512, 8 and 12 with it).

    Args:
        model: Changed in place.
    """
    model.to(memory_format=torch.channels_last)
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and _is_unsafe(module):
            # `contiguous` has no effect: a 1 x 1 kernel is contiguous in both formats, and only the strides differ.
            module.weight.data = module.weight.data.clone(memory_format=torch.contiguous_format)
            module.register_forward_pre_hook(_make_input_contiguous)


def _is_unsafe(conv: nn.Conv2d) -> bool:
    return conv.kernel_size == (1, 1) and max(conv.stride) > 1 and conv.in_channels < MIN_CHANNELS


def _make_input_contiguous(conv: nn.Conv2d, inputs: tuple[Tensor]) -> tuple[Tensor]:
    (x,) = inputs
    return (x.clone(memory_format=torch.contiguous_format) if x.device.type == 'cpu' else x,)

"""Channels-last memory for the weights of a model."""

import torch
from mmengine.device import get_device
from torch import nn

MIN_CHANNELS = 16
"""Input channels that a strided 1 x 1 convolution needs on a CPU: as many as its vector registers hold floats."""


def use_channels_last(model: nn.Module) -> None:
    """Keeps the weights of a model, and with them its features, channels last in memory.

    Args:
        model: Changed in place.

    Raises:
        ValueError: There is no GPU, and a 1 x 1 convolution with a stride has fewer than :data:`MIN_CHANNELS` input
            channels. Its backward pass in torch's CPU code then writes beyond its buffers, which ends the process at
            some later moment (seen with torch 2.11: 4 channels without AVX-512, 8 and 12 with it).
    """
    if get_device() == 'cpu':
        for name, module in model.named_modules():
            if isinstance(module, nn.Conv2d) and _is_unsafe(module):
                raise ValueError(
                    f'channels_last=True: {name} is a 1 x 1 convolution with stride {module.stride} and '
                    f'{module.in_channels} input channels, which corrupts memory on a CPU with fewer than '
                    f'{MIN_CHANNELS}. Set model.channels_last=False, or give this part of the model more channels.'
                )
    model.to(memory_format=torch.channels_last)


def _is_unsafe(conv: nn.Conv2d) -> bool:
    return conv.kernel_size == (1, 1) and max(conv.stride) > 1 and conv.in_channels < MIN_CHANNELS

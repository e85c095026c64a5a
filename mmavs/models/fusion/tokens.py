"""Feature maps as sequences of pixels."""

import torch
from torch import Tensor, nn

from .cross_attention import init_linear


class Projector(nn.Sequential):
    """Two-layer MLP on each pixel, before the cross-attention."""

    def __init__(self, channels: int, hidden_channels: int) -> None:
        super().__init__(nn.Linear(channels, hidden_channels), nn.GELU(), nn.Linear(hidden_channels, channels))
        self.apply(init_linear)


def to_tokens(feature: Tensor) -> Tensor:
    """(B, C, h, w) -> (B, h * w, C)."""
    return feature.flatten(2).transpose(1, 2)


def to_map(tokens: Tensor, like: Tensor) -> Tensor:
    """(B, h * w, C) -> (B, C, h, w), of the size and with the memory format of ``like``."""
    feature = tokens.transpose(1, 2).unflatten(2, tuple(like.shape[2:]))  # channels last
    if like.is_contiguous(memory_format=torch.channels_last):
        return feature.contiguous(memory_format=torch.channels_last)
    return feature.contiguous()  # some heads of mmseg call `view` on it

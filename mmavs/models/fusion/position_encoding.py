import math

import torch
from torch import Tensor, nn

from .window import WHOLE, Window


class PositionEncoding(nn.Module):
    """Encodes the coordinates of each pixel: a linear map of their sines and cosines.

    Coordinates run from 0 to 1 over an image, independent of its size in pixels.

    Args:
        channels: Channels of the tokens to which it is added.
        frequencies: Number of frequencies. The lowest has half a period over the image; each is twice the one before.
    """

    def __init__(self, channels: int, frequencies: int = 4) -> None:
        super().__init__()
        self.register_buffer('waves', math.pi * 2.0 ** torch.arange(frequencies), persistent=False)
        self.linear = nn.Linear(4 * frequencies, channels, bias=False)

    def forward(self, height: int, width: int, window: Window = WHOLE) -> Tensor:
        """Encodes the pixels of a feature map, row by row.

        Args:
            height: Rows of the map.
            width: Columns of the map.
            window: The part of the image that the map covers.

        Returns:
            Tensor: (1, height * width, channels), or (B, height * width, channels) for a window with edges (B,).
        """
        rows = self._encode(height, window.top, window.bottom)[:, :, None].expand(-1, -1, width, -1)
        columns = self._encode(width, window.left, window.right)[:, None].expand(-1, height, -1, -1)
        return self.linear(torch.cat([rows, columns], dim=-1)).flatten(1, 2)

    def _encode(self, count: int, start: float | Tensor, end: float | Tensor) -> Tensor:
        """Sines and cosines (1 or B, count, 2 * frequencies) at the centers of ``count`` equal parts of an interval."""
        start, end = (self._to_tensor(edge) for edge in (start, end))
        parts = (torch.arange(count, device=self.waves.device) + 0.5) / count
        angles = (start + (end - start) * parts)[..., None] * self.waves
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    def _to_tensor(self, edge: float | Tensor) -> Tensor:
        """(1 or B, 1); a number is filled in on the device, because the host would wait for a copy."""
        return edge.view(-1, 1) if isinstance(edge, Tensor) else torch.full((1, 1), edge, device=self.waves.device)

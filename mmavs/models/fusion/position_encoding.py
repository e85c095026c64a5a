import math

import torch
from torch import Tensor, nn

from .window import WHOLE, Window


class PositionEncoding(nn.Module):
    """Tells each pixel where in the image it is: a linear map of sines and cosines of its coordinates.

    Coordinates run from 0 to 1 over the image that the network sees, so that its size does not matter. That is the crop
    in training, and the padded image where the preprocessor pads: padding moves the codes of pixels towards 0.

    Args:
        channels: Channels of the tokens that it is added to.
        frequencies: Number of octaves, from half a wave over the image on.
    """

    def __init__(self, channels: int, frequencies: int = 4) -> None:
        super().__init__()
        self.register_buffer('waves', math.pi * 2.0 ** torch.arange(frequencies), persistent=False)
        self.linear = nn.Linear(4 * frequencies, channels, bias=False)

    def forward(self, height: int, width: int, window: Window = WHOLE) -> Tensor:
        """Encodings (height * width, channels) of the pixels of a map, row by row.

        Args:
            height: Rows of the map.
            width: Columns of the map.
            window: The part of the image that the map shows.
        """
        y = self._waves(height, window.top, window.bottom)
        x = self._waves(width, window.left, window.right)
        rows = torch.cat([y.sin(), y.cos()], dim=1)[:, None].expand(-1, width, -1)
        columns = torch.cat([x.sin(), x.cos()], dim=1)[None].expand(height, -1, -1)
        return self.linear(torch.cat([rows, columns], dim=-1)).flatten(0, 1)

    def _waves(self, count: int, start: float | Tensor, end: float | Tensor) -> Tensor:
        """Angles (count, frequencies) at the middles of ``count`` equal parts of an interval."""
        parts = (torch.arange(count, device=self.waves.device) + 0.5) / count
        return (start + (end - start) * parts)[:, None] * self.waves

import math

import torch
from torch import Tensor, nn


class PositionEncoding(nn.Module):
    """Tells each pixel where in the image it is: a linear map of sines and cosines of its coordinates.

    Coordinates run from 0 to 1 over the map, so that its size does not matter.

    Args:
        channels: Channels of the tokens that it is added to.
        frequencies: Number of octaves, from half a wave over the image on.
    """

    def __init__(self, channels: int, frequencies: int = 4) -> None:
        super().__init__()
        self.register_buffer('waves', math.pi * 2.0 ** torch.arange(frequencies), persistent=False)
        self.linear = nn.Linear(4 * frequencies, channels, bias=False)

    def forward(self, height: int, width: int) -> Tensor:
        """Encodings (height * width, channels) of the pixels, row by row."""
        y, x = (((torch.arange(n, device=self.waves.device) + 0.5) / n)[:, None] * self.waves for n in (height, width))
        rows = torch.cat([y.sin(), y.cos()], dim=1)[:, None].expand(-1, width, -1)
        columns = torch.cat([x.sin(), x.cos()], dim=1)[None].expand(height, -1, -1)
        return self.linear(torch.cat([rows, columns], dim=-1)).flatten(0, 1)

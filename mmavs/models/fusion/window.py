"""Where in its image a window is, for modules that count coordinates over the image."""

from typing import NamedTuple

import torch
from torch import Tensor


class Window(NamedTuple):
    """Edges of a window, in fractions of the image's height and width: numbers, or tensors without dimensions."""

    top: float | Tensor = 0.0
    bottom: float | Tensor = 1.0
    left: float | Tensor = 0.0
    right: float | Tensor = 1.0


WHOLE = Window()


def add_places(images: Tensor) -> Tensor:
    """Images (B, C, H, W) -> (B, C + 2, H, W): the row and the column of each pixel as two more channels."""
    batch, _, height, width = images.shape
    rows, columns = (torch.arange(n, dtype=images.dtype, device=images.device) for n in (height, width))
    places = torch.stack(torch.meshgrid(rows, columns, indexing='ij'))
    return torch.cat([images, places.expand(batch, -1, -1, -1)], dim=1)


def split_places(crops: Tensor, size: tuple[int, int]) -> tuple[Tensor, Window]:
    """Takes the two channels of :func:`add_places` away again.

    Args:
        crops: (B, C + 2, h, w), one window of all images.
        size: Height and width of the images.

    Returns:
        tuple: The window's pixels (B, C, h, w), and its edges.
    """
    (height, width), (row, column) = size, crops[0, -2:, 0, 0]
    h, w = crops.shape[2:]
    return crops[:, :-2], Window(row / height, (row + h) / height, column / width, (column + w) / width)

import torch
from torch import Tensor


def sine_position(size: tuple[int, int], channels: int, like: Tensor, *, temperature: float = 10000.0) -> Tensor:
    """Sine position encoding of row and column numbers, not normalized, as in DETR.

    Args:
        size: Height h and width w of the map.
        channels: Number of channels C, divisible by 4: the first half encodes the row, the second the column.
        like: Tensor whose device and dtype are used.
        temperature: Ratio of the longest period to the shortest.

    Returns:
        Tensor: (h * w, C).
    """
    half = channels // 2
    period = temperature ** (torch.arange(0, half, 2, device=like.device, dtype=torch.float32) / half)
    codes = []
    for length in size:
        angle = torch.arange(1, length + 1, device=like.device)[:, None] / period
        codes.append(torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1))  # sine and cosine alternate
    rows, columns = (code.to(like.dtype) for code in codes)
    height, width = size
    code = torch.cat([rows[:, None].expand(-1, width, -1), columns[None].expand(height, -1, -1)], dim=-1)
    return code.flatten(0, 1)

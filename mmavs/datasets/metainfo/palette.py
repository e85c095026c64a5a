import numpy as np


def bit_interleaved_palette(num_classes: int) -> list[list[int]]:
    """The colors of PASCAL VOC: the bits of the class index are distributed to R, G and B, highest bit first.

    Args:
        num_classes: Number of classes, background (black) included, at most 256.

    Returns:
        list[list[int]]: RGB of each class, 0 to 255.
    """
    palette = []
    for index in range(num_classes):
        color = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                color[channel] |= (index >> (3 * bit + channel) & 1) << (7 - bit)
        palette.append(color)
    return palette


# The bits of the class index that each value of R, G and B stands for.
_BITS = np.zeros((3, 256), np.uint8)
for _channel in range(3):
    for _bit in range(_channel, 8, 3):
        _BITS[_channel] |= ((np.arange(256) >> (7 - _bit // 3) & 1) << _bit).astype(np.uint8)


def index_colors(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inverse of :func:`bit_interleaved_palette` for all 256 indices.

    Args:
        rgb: uint8, (H, W, 3).

    Returns:
        tuple: uint8 (H, W), index of each pixel's color, and bool (H, W), False for colors that are not in the palette,
        whose index is undefined.
    """
    index = _BITS[0][rgb[..., 0]] | _BITS[1][rgb[..., 1]] | _BITS[2][rgb[..., 2]]
    return index, (_PALETTE[index] == rgb).all(axis=-1)


_PALETTE = np.array(bit_interleaved_palette(256), np.uint8)

"""Reference implementations of OpenCV's operations on 8-bit images in NumPy. Images are RGB, (H, W, 3)."""

import numpy as np


def bilinear(image, height, width):
    """Without antialiasing, pixels at half coordinates, in exact arithmetic: not rounded."""
    (top, bottom, down), (left, right, along) = _taps(len(image), height), _taps(image.shape[1], width)
    rows = image[top] * (1 - down)[:, None, None] + image[bottom] * down[:, None, None]
    return rows[:, left] * (1 - along)[:, None] + rows[:, right] * along[:, None]


def bilinear_fixed_point(image, height, width):
    """The same with weights in steps of 1/2048 and truncated sums, as in ``cv2.resize``."""
    image = image.astype(int)
    (top, bottom, down), (left, right, along) = _taps(len(image), height), _taps(image.shape[1], width)
    # at the sides, but not at top and bottom, a single tap
    along = np.where((left == right), 0, along)
    first, second = _weights(along)
    rows = image[:, left] * first[:, None] + image[:, right] * second[:, None]
    first, second = (w[:, None, None] for w in _weights(down))
    return ((first * (rows[top] >> 4) >> 16) + (second * (rows[bottom] >> 4) >> 16) + 2 >> 2).astype(np.uint8)


def _taps(before, after):
    place = ((np.arange(after) + 0.5) * (before / after) - 0.5).astype(np.float32)
    low = np.floor(place).astype(int)
    return low.clip(0, before - 1), (low + 1).clip(0, before - 1), place - low


def _weights(share):
    return np.rint((1 - share) * 2048).astype(int), np.rint(share * 2048).astype(int)


def nearest(mask, height, width):
    """The pixel at or before the coordinate, counted from the upper left corner."""
    rows, columns = (np.arange(n) * m // n for n, m in ((height, len(mask)), (width, mask.shape[1])))
    return mask[rows][:, columns]


def gray(image):
    """Luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, with weights in steps of 1/32768."""
    return image.astype(int) @ np.array([9798, 19235, 3735]) + (1 << 14) >> 15


def brightness(image, factor):
    return (image * factor).clip(0, 255).astype(np.uint8)


def contrast(image, factor):
    mean = round(gray(image).mean())
    return (image * factor + mean * (1 - factor)).clip(0, 255).astype(np.uint8)


def saturation(image, factor):
    return np.rint(image * factor + gray(image)[..., None] * (1 - factor)).clip(0, 255).astype(np.uint8)


def hue(image, turns):
    """In 8-bit HSV with 256 steps of hue; OpenCV's conversion back uses 255 steps.

    In exact arithmetic: where a value lies half-way between two, OpenCV's single precision may round to the other.
    """
    red, green, blue = np.moveaxis(image.astype(int), -1, 0)
    value = image.max(axis=-1).astype(int)
    spread = value - image.min(axis=-1)
    sixth = np.where(
        value == red, green - blue, np.where(value == green, blue - red + 2 * spread, red - green + 4 * spread)
    )
    angle = sixth * _reciprocal(256 / 6, spread) + (1 << 11) >> 12
    share = (spread * _reciprocal(255, value) + (1 << 11) >> 12) / 255
    angle = (angle + round(turns * 256)) % 256 * 6 / 255
    channels = []
    for offset in (5, 3, 1):  # red, green, blue
        k = (offset + angle) % 6
        channels.append(value * (1 - share * np.minimum(k, 4 - k).clip(0, 1)))
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def _reciprocal(numerator, whole):
    """numerator / whole in steps of 1/4096."""
    return np.rint(numerator * 4096 / np.maximum(whole, 1)).astype(int)

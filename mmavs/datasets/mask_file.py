"""Conversion of mask values to class indices. Does not need torch."""

import cv2
import numpy as np

from .label_table import MAX_CLASSES, UNKNOWN_VALUE
from .metainfo.palette import index_colors

MASK_ENCODINGS = ('index', 'gray', 'color')
"""Encodings of mask values: one channel; any number of equal channels; colors of the bit-interleaved palette
(``labels_rgb`` of AVSBench)."""

DEFAULT_HINT = 'set `mask_values` of the dataset to the value of each class, and `ignored_values` to those to ignore'
_MOST = 5  # maximum number of colors in a message


class MaskError(ValueError):
    """A mask has invalid values; the message names the file.

    Args:
        message: The complete message.
        kind: The kind of error in two or three words, for tables.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


def mask_labels(
    pixels: np.ndarray, path: str, *, table: np.ndarray | None, encoding: str = 'index', hint: str = DEFAULT_HINT
) -> np.ndarray:
    """Converts a decoded mask to class indices.

    Args:
        pixels: As decoded, (H, W) of uint8 or bool or (H, W, channels) of uint8, colors as RGB.
        path: The file, for messages.
        table: uint8 (256,), class index of each value, ``UNKNOWN_VALUE`` for invalid ones; None to return the
            values themselves.
        encoding: One of ``MASK_ENCODINGS``.
        hint: Remedy for unknown values, for messages.

    Returns:
        np.ndarray: uint8 (H, W).

    Raises:
        MaskError: The mask has another type, or a value or color without a class.
    """
    values = _values(pixels, path, encoding, hint)
    if table is None:
        return values
    if pixels.dtype == bool and table[1] == UNKNOWN_VALUE and table[255] < MAX_CLASSES:  # as in masks of 0 and 255
        values = values * 255
    labels = cv2.LUT(values, table)
    if (labels == UNKNOWN_VALUE).any():
        unknown = np.unique(values[labels == UNKNOWN_VALUE]).tolist()
        raise MaskError(f'{path} has the values {unknown}, which have no class: {hint}', 'unknown mask values')
    return labels


def _values(pixels: np.ndarray, path: str, encoding: str, hint: str) -> np.ndarray:
    if encoding == 'color':
        if pixels.ndim != 3 or pixels.shape[-1] < 3 or pixels.dtype != np.uint8:
            raise MaskError(f'a mask with colors must be an RGB image: {path} {_describe(pixels)}', 'wrong mask type')
        return _colors(pixels[..., :3], path, hint)
    if pixels.dtype == bool:  # one bit per pixel
        pixels = pixels.astype(np.uint8)
    if encoding == 'gray':
        if pixels.ndim == 3:
            if pixels.shape[-1] >= 3 and (pixels[..., :3] != pixels[..., :1]).any():
                raise MaskError(f'a binary mask must be gray, but {path} has colors', 'wrong mask type')
            pixels = pixels[..., 0]
    if pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise MaskError(
            f'a mask must be a PNG with one channel of 8 bits: {path} {_describe(pixels)}. Save its values as a gray '
            f"image of 8 bits (mode 'L' of Pillow), which holds up to {MAX_CLASSES} classes",
            'wrong mask type',
        )
    return pixels


def _describe(pixels: np.ndarray) -> str:
    return f'has shape {pixels.shape} and type {pixels.dtype}'


def _colors(rgb: np.ndarray, path: str, hint: str) -> np.ndarray:
    index, known = index_colors(rgb)
    if not known.all():
        colors = np.unique(rgb[~known], axis=0).tolist()
        more = f' and {len(colors) - _MOST} more' if len(colors) > _MOST else ''
        raise MaskError(
            f'{path} has the colors (RGB) {", ".join(map(str, colors[:_MOST]))}{more}, which are not in the '
            f'palette: {hint}',
            'unknown mask colors',
        )
    return index

"""Decoding of image and mask files, with errors that name the file."""

import mmcv
import mmengine.fileio as fileio
import numpy as np

from .image_file import FILE_REMEDY, check_image_complete
from .label_table import IGNORE_INDEX
from .mask_file import DEFAULT_HINT, mask_labels

_BACKGROUND = 0
_MISSING_REMEDY = 'Fetch it, remove it from the annotation file, or correct `data_root` of the dataset.'


def read_pixels(
    path: str, record: dict, *, flag: str, backend: str, backend_args: dict | None = None, what: str = 'image'
) -> np.ndarray:
    """Decodes an image file.

    Args:
        path: The file.
        record: The sample of the file; its ``clip``, ``frame`` and ``num_frames`` are used in messages.
        flag: Flag of ``mmcv.imfrombytes``.
        backend: Backend of ``mmcv.imfrombytes``.
        backend_args: Arguments of mmengine's file backend.
        what: ``'image'`` or ``'mask'``, for messages.

    Raises:
        FileNotFoundError, OSError: The file is missing, empty, truncated or not an image.
    """
    try:
        content = fileio.get(path, backend_args=backend_args)
    except FileNotFoundError as e:
        raise FileNotFoundError(f'{what} not found: {path}{_place_in_clip(record)}. {_MISSING_REMEDY}') from e
    check_image_complete(content, path)
    try:
        img = mmcv.imfrombytes(content, flag=flag, backend=backend)
    except Exception as e:  # each backend raises errors of its own
        raise OSError(f'cannot decode image {path}: {str(e).strip()}. {FILE_REMEDY}') from e
    if img is None:
        raise OSError(f'cannot decode image {path}: not an image, or damaged. {FILE_REMEDY}')
    return img


def read_mask(path: str, record: dict, *, backend: str = 'pillow', backend_args: dict | None = None) -> np.ndarray:
    """Reads a mask at its stored size.

    Args:
        path: The file.
        record: The sample, with ``label_table`` and optionally ``mask_encoding``, ``mask_hint`` and ``file_shape`` or
            ``ori_shape``, the (height, width) that the mask must have.
        backend: Backend of ``mmcv.imfrombytes``.
        backend_args: Arguments of mmengine's file backend.

    Returns:
        np.ndarray: uint8 (H, W), class indices.

    Raises:
        FileNotFoundError, OSError: see :func:`read_pixels`.
        MaskError: see :func:`mask_labels`.
        ValueError: Image and mask differ in size.
    """
    encoding = record.get('mask_encoding', 'index')
    flag = 'color' if encoding == 'color' else 'unchanged'
    pixels = read_pixels(path, record, flag=flag, backend=backend, backend_args=backend_args, what='mask')
    if pixels.ndim == 3 and pixels.shape[-1] >= 3:
        pixels = pixels[..., [2, 1, 0, *range(3, pixels.shape[-1])]]  # decoders give BGR
    hint = record.get('mask_hint', DEFAULT_HINT)
    labels = mask_labels(pixels, path, table=record['label_table'], encoding=encoding, hint=hint)
    shape = record.get('file_shape', record.get('ori_shape', labels.shape))
    if tuple(shape[:2]) != labels.shape:
        raise ValueError(
            f'image and mask differ in size: {record["img_path"]} is {tuple(shape[:2])}, {path} is {labels.shape} '
            '(height, width). Use the image that the mask was drawn on, or remove both from the annotation file.'
        )
    return labels


def classes_in_mask(labels: np.ndarray, min_pixels: int = 1) -> tuple[int, ...]:
    """The classes, except background, that have at least ``min_pixels`` pixels in a mask of class indices."""
    counts = np.bincount(labels.ravel(), minlength=256)
    return tuple(
        c for c in np.flatnonzero(counts >= max(1, min_pixels)).tolist() if c not in (_BACKGROUND, IGNORE_INDEX)
    )


def _place_in_clip(record: dict) -> str:
    """The frame and clip of a sample, for messages."""
    if 'clip' not in record:
        return ''
    return f' (frame {record["frame"] + 1} of the {record["num_frames"]} of clip {record["clip"]})'

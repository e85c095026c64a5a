"""Pictures for the inferencer: files, arrays, tensors and PIL images, as upright images of three channels."""

import os

import mmcv
import numpy as np
import torch
from mmengine import fileio
from PIL import Image

from mmavs.datasets.image_file import check_image_complete

Picture = str | os.PathLike | np.ndarray | torch.Tensor | Image.Image


def load_picture(picture: Picture) -> np.ndarray:
    """Loads a picture as input of a network.

    A photograph is rotated by its EXIF orientation, so that the mask has the size of the displayed picture.
    Gray pictures get three equal channels, transparency is dropped, and 16 bits become 8.

    Args:
        picture: Path; or array (H, W), (H, W, 1), (H, W, 3) BGR as of ``mmcv.imread``, or (H, W, 4) BGRA; or tensor
            (1, 3 or 4, H, W) RGB as of ``torchvision.io.read_image``; or an image of PIL. uint8, or uint16 with full
            scale at 65535.

    Returns:
        np.ndarray: uint8, (H, W, 3), BGR.

    Raises:
        FileNotFoundError, OSError: The file is missing, empty, truncated or not an image; the message names it.
        ValueError: The array has another shape or type.
    """
    if isinstance(picture, (str, os.PathLike)):
        return _read_file(os.fspath(picture))
    if isinstance(picture, Image.Image):
        return np.ascontiguousarray(np.asarray(picture.convert('RGB'))[..., ::-1])
    if isinstance(picture, torch.Tensor):
        return _from_array(_rgb_array(picture), 'tensor', 'uint8 or uint16 (3, H, W) RGB')
    if isinstance(picture, np.ndarray):
        return _from_array(picture, 'array', 'uint8 or uint16 (H, W, 3) BGR')
    raise ValueError(
        f'a picture must be a path, a numpy array, a tensor or an image of PIL, got {type(picture).__name__}'
    )


def _read_file(path: str) -> np.ndarray:
    try:
        content = fileio.get(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'picture not found: {path}') from error
    check_image_complete(content, path)
    image = mmcv.imfrombytes(content, flag='color', backend='cv2')
    if image is None:
        raise OSError(
            f'cannot decode picture {path}: not an image, damaged, or of a format that OpenCV does not read. '
            'Convert it to PNG or JPEG'
        )
    return image


def _rgb_array(tensor: torch.Tensor) -> np.ndarray:
    """(C, H, W) RGB -> (H, W, C) BGR, on the CPU."""
    array = tensor.detach().cpu().numpy()
    if array.ndim == 3 and len(array) in (3, 4):
        array = array[[2, 1, 0, *range(3, len(array))]]
    return array if array.ndim == 2 else np.moveaxis(array, 0, -1) if array.ndim == 3 else array


def _from_array(array: np.ndarray, what: str, wanted: str) -> np.ndarray:
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if channels not in (1, 3, 4) or array.dtype not in (np.uint8, np.uint16) or not array.size:
        raise ValueError(f'a picture given as {what} must be {wanted}, got {array.dtype} {tuple(array.shape)}')
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    array = array.reshape(*array.shape[:2], channels)[..., :3]
    return np.ascontiguousarray(np.repeat(array, 3, axis=2) if channels == 1 else array)


def resize_picture(image: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """Resizes to (height, width) as ``LoadFrame(size=...)`` does; None keeps the size."""
    if size is None or image.shape[:2] == tuple(size):
        return image
    return mmcv.imresize(image, (size[1], size[0]), interpolation='bilinear')

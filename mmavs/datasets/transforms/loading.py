import cv2
import mmcv
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import TRANSFORMS

from ..image_file import UNKNOWN_VALUE, check_image_complete


@TRANSFORMS.register_module()
class LoadFrame(LoadImageFromFile):
    """mmcv's ``LoadImageFromFile`` that refuses truncated files.

    An orientation noted in the file (EXIF) is not applied by default: masks are drawn on the pixels as they are stored.

    Required Keys:

    - img_path (str)

    Added Keys:

    - img (np.ndarray): uint8, (H, W, 3), BGR
    - img_shape, ori_shape (tuple[int]): (H, W)

    Args:
        color_type: Flag of ``mmcv.imfrombytes``.
        kwargs: Others of ``LoadImageFromFile``.
    """

    def __init__(self, color_type: str = 'color_ignore_orientation', **kwargs) -> None:
        super().__init__(color_type=color_type, **kwargs)

    def transform(self, results: dict) -> dict:
        """Loads the image.

        Raises:
            FileNotFoundError, OSError: The file is missing, truncated or no image; the message names it.
        """
        path = results['img_path']
        try:
            content = fileio.get(path, backend_args=self.backend_args)
        except FileNotFoundError as e:
            raise FileNotFoundError(f'image not found: {path}') from e
        check_image_complete(content, path)
        img = _decode(content, path, flag=self.color_type, backend=self.imdecode_backend)
        if self.to_float32:
            img = img.astype(np.float32)
        results['img'] = img
        results['img_shape'] = img.shape[:2]
        results['ori_shape'] = img.shape[:2]
        return results


@TRANSFORMS.register_module()
class LoadAVAnnotations(LoadAnnotations):
    """mmseg's ``LoadAnnotations`` with the values of the PNG brought to class indices by one table look-up.

    Required Keys:

    - seg_map_path (str)
    - label_table (np.ndarray): uint8, (256,), class index of each value of the PNG, 255 for values to ignore,
      ``UNKNOWN_VALUE`` for those that must not occur
    - ori_shape (tuple[int]): optional; the mask must have the same height and width

    Added Keys:

    - gt_seg_map (np.ndarray): uint8, (H, W)
    - seg_fields (list[str])
    """

    def _load_seg_map(self, results: dict) -> None:
        path = results['seg_map_path']
        try:
            content = fileio.get(path, backend_args=self.backend_args)
        except FileNotFoundError as e:
            raise FileNotFoundError(f'mask not found: {path}') from e
        check_image_complete(content, path)
        mask = _decode(content, path, flag='unchanged', backend=self.imdecode_backend)
        if mask.ndim != 2 or mask.dtype != np.uint8:
            raise ValueError(
                f'a mask must be a PNG with one channel of 8 bits: {path} has shape {mask.shape} and type {mask.dtype}'
            )
        if 'ori_shape' in results and tuple(results['ori_shape'][:2]) != mask.shape:
            raise ValueError(
                f'image and mask differ in size: {results["img_path"]} is {results["ori_shape"][:2]}, '
                f'{path} is {mask.shape} (height, width)'
            )
        labels = cv2.LUT(mask, results['label_table'])
        if (labels == UNKNOWN_VALUE).any():
            unknown = np.unique(mask[labels == UNKNOWN_VALUE]).tolist()
            raise ValueError(
                f'{path} holds the values {unknown}, which belong to no class: is `class_file` of the '
                'dataset the one that the masks were made with?'
            )
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')


def _decode(content: bytes, path: str, *, flag: str, backend: str) -> np.ndarray:
    """Decodes an image; errors name the file."""
    try:
        img = mmcv.imfrombytes(content, flag=flag, backend=backend)
    except Exception as e:  # each backend raises errors of its own
        raise OSError(f'cannot decode image {path}: {e}') from e
    if img is None:
        raise OSError(f'cannot decode image {path}: not an image, or damaged')
    return img

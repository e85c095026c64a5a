import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import TRANSFORMS

from ..label_table import IGNORE_INDEX
from ..mask_reading import classes_in_mask, read_mask, read_pixels


@TRANSFORMS.register_module()
class LoadFrame(LoadImageFromFile):
    """mmcv's ``LoadImageFromFile`` with an error for truncated files.

    An orientation stored in the file (EXIF) is not applied by default, because masks are drawn on the stored pixels.

    Required Keys:

    - img_path (str)
    - clip (str), frame (int), num_frames (int): optional, for messages

    Added Keys:

    - img (np.ndarray): uint8, (H, W, 3), BGR
    - img_shape, ori_shape (tuple[int]): (H, W)
    - file_shape (tuple[int]): (H, W) as stored

    Args:
        size: (height, width) to which the image is resized after decoding. ``ori_shape`` is this size, so that
            predictions are made and evaluated at it. ``LoadAVAnnotations`` needs the same value. None keeps the
            size of the file.
        color_type: Flag of ``mmcv.imfrombytes``.
        kwargs: Other arguments of ``LoadImageFromFile``.
    """

    def __init__(
        self, size: tuple[int, int] | None = None, color_type: str = 'color_ignore_orientation', **kwargs
    ) -> None:
        super().__init__(color_type=color_type, **kwargs)
        self.size = _check_size(self, size)

    def transform(self, results: dict) -> dict:
        """Loads the image.

        Raises:
            FileNotFoundError, OSError: The file is missing, empty, truncated or not an image; the message names it.
        """
        img = read_pixels(
            results['img_path'],
            results,
            flag=self.color_type,
            backend=self.imdecode_backend,
            backend_args=self.backend_args,
        )
        results['file_shape'] = img.shape[:2]
        if self.size is not None:
            img = mmcv.imresize(img, self.size[::-1], interpolation='bilinear')
        if self.to_float32:
            img = img.astype(np.float32)
        results['img'] = img
        results['img_shape'] = img.shape[:2]
        results['ori_shape'] = img.shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, size={self.size})'


@TRANSFORMS.register_module()
class LoadAVAnnotations(LoadAnnotations):
    """mmseg's ``LoadAnnotations`` with a table of the class index of each mask value.

    The label of a sample without a mask is 255 (ignored) in every pixel.

    Required Keys:

    - seg_map_path (str | None)
    - label_table (np.ndarray): uint8, (256,), class index of each mask value, 255 for values to ignore and
      ``UNKNOWN_VALUE`` for those that must not occur
    - mask_encoding (str): optional, one of ``MASK_ENCODINGS``
    - ori_shape, file_shape (tuple[int]): optional; the mask must have the height and width of the image file
    - audio_label (tuple[int] | None): optional; None if it is to be taken from the mask ``audio_label_path``
    - audio_label_min_pixels (int): optional, see ``AVSBenchSemanticDataset``

    Modified Keys:

    - audio_label (tuple[int]): the classes that have pixels in the complete mask, before any crop

    Added Keys:

    - gt_seg_map (np.ndarray): uint8, (H, W)
    - seg_fields (list[str])

    Args:
        size: (height, width) to which the mask is resized by nearest neighbor, as ``LoadFrame`` resizes the image.
        kwargs: Other arguments of ``LoadAnnotations``. ``reduce_zero_label=True`` is an error, see ``AVSegDataset``.
    """

    def __init__(self, size: tuple[int, int] | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        if self.reduce_zero_label:
            raise ValueError(
                'LoadAVAnnotations: reduce_zero_label is not supported; set `mask_values` and `ignored_values` of '
                'the dataset instead'
            )
        self.size = _check_size(self, size)

    def _load_seg_map(self, results: dict) -> None:
        path = results['seg_map_path']
        labels = None if path is None else self._read(path, results)
        if 'audio_label' in results and results['audio_label'] is None:
            source = results['audio_label_path']
            sounding = labels if source == path else self._read(source, results)
            results['audio_label'] = classes_in_mask(sounding, results.get('audio_label_min_pixels', 1))
        if labels is None:
            labels = np.full(self.size or results['ori_shape'][:2], IGNORE_INDEX, np.uint8)
        elif self.size is not None:
            labels = mmcv.imresize(labels, self.size[::-1], interpolation='nearest')
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')

    def _read(self, path: str, results: dict) -> np.ndarray:
        return read_mask(path, results, backend=self.imdecode_backend, backend_args=self.backend_args)

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, size={self.size})'


def _check_size(transform: object, size: tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    if isinstance(size, int) or len(size) != 2 or min(size) < 1:
        raise ValueError(f'{type(transform).__name__}: size must be (height, width) in pixels, got {size!r}')
    return tuple(size)

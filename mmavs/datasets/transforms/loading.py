import mmcv
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import TRANSFORMS

from ..image_file import FILE_REMEDY, check_image_complete
from ..mask_file import DEFAULT_HINT, mask_labels

_BACKGROUND, _IGNORED = 0, 255
_MISSING_REMEDY = 'Fetch it, take it out of the annotation file, or correct `data_root` of the dataset.'


@TRANSFORMS.register_module()
class LoadFrame(LoadImageFromFile):
    """mmcv's ``LoadImageFromFile`` that refuses truncated files.

    An orientation noted in the file (EXIF) is not applied by default: masks are drawn on the pixels as they are stored.

    Required Keys:

    - img_path (str)
    - clip (str), frame (int), num_frames (int): optional, for messages

    Added Keys:

    - img (np.ndarray): uint8, (H, W, 3), BGR
    - img_shape, ori_shape (tuple[int]): (H, W)
    - file_shape (tuple[int]): (H, W) as stored

    Args:
        size: (height, width) to which the image is brought at once. It counts as the sample's own from then on, so
            that predictions are made and scored at this size: give ``LoadAVAnnotations`` the same. None keeps the size
            of the file.
        color_type: Flag of ``mmcv.imfrombytes``.
        kwargs: Others of ``LoadImageFromFile``.
    """

    def __init__(
        self, size: tuple[int, int] | None = None, color_type: str = 'color_ignore_orientation', **kwargs
    ) -> None:
        super().__init__(color_type=color_type, **kwargs)
        self.size = _check_size(self, size)

    def transform(self, results: dict) -> dict:
        """Loads the image.

        Raises:
            FileNotFoundError, OSError: The file is missing, empty, truncated or no image; the message names it.
        """
        path = results['img_path']
        try:
            content = fileio.get(path, backend_args=self.backend_args)
        except FileNotFoundError as e:
            raise FileNotFoundError(f'image not found: {path}{_place_in_clip(results)}. {_MISSING_REMEDY}') from e
        check_image_complete(content, path)
        img = _decode(content, path, flag=self.color_type, backend=self.imdecode_backend)
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
    """mmseg's ``LoadAnnotations`` with the values of the PNG brought to class indices by one table look-up.

    A sample without a mask gets a label of 255, to be ignored, in every pixel.

    Required Keys:

    - seg_map_path (str | None)
    - label_table (np.ndarray): uint8, (256,), class index of each value of the PNG, 255 for values to ignore,
      ``UNKNOWN_VALUE`` for those that must not occur
    - mask_encoding (str): optional, one of ``MASK_ENCODINGS``
    - ori_shape, file_shape (tuple[int]): optional; the mask must have the height and width of the image's file
    - audio_label (tuple[int] | None): optional; where it is None, the mask ``audio_label_path`` tells what sounds

    Modified Keys:

    - audio_label (tuple[int]): the classes that have pixels in the mask, before any crop

    Added Keys:

    - gt_seg_map (np.ndarray): uint8, (H, W)
    - seg_fields (list[str])

    Args:
        size: (height, width) to which the mask is brought by nearest neighbour, as ``LoadFrame`` does the image.
        kwargs: Those of ``LoadAnnotations``.
    """

    def __init__(self, size: tuple[int, int] | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.size = _check_size(self, size)

    def _load_seg_map(self, results: dict) -> None:
        path = results['seg_map_path']
        labels = None if path is None else self._read_labels(path, results)
        if 'audio_label' in results and results['audio_label'] is None:
            source = results['audio_label_path']
            sounding = labels if source == path else self._read_labels(source, results)
            found = np.flatnonzero(np.bincount(sounding.ravel(), minlength=256)).tolist()
            results['audio_label'] = tuple(c for c in found if c not in (_BACKGROUND, _IGNORED))
        if labels is None:
            labels = np.full(self.size or results['ori_shape'][:2], _IGNORED, np.uint8)
        elif self.size is not None:
            labels = mmcv.imresize(labels, self.size[::-1], interpolation='nearest')
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')

    def _read_labels(self, path: str, results: dict) -> np.ndarray:
        """Class indices, uint8 (H, W), of a mask at its stored size."""
        try:
            content = fileio.get(path, backend_args=self.backend_args)
        except FileNotFoundError as e:
            raise FileNotFoundError(f'mask not found: {path}{_place_in_clip(results)}. {_MISSING_REMEDY}') from e
        check_image_complete(content, path)
        encoding = results.get('mask_encoding', 'index')
        flag = 'color' if encoding == 'color' else 'unchanged'
        pixels = _decode(content, path, flag=flag, backend=self.imdecode_backend)
        if pixels.ndim == 3 and pixels.shape[-1] >= 3:
            pixels = pixels[..., [2, 1, 0, *range(3, pixels.shape[-1])]]  # decoders give BGR
        hint = results.get('mask_hint', DEFAULT_HINT)
        labels = mask_labels(pixels, path, table=results['label_table'], encoding=encoding, hint=hint)
        shape = results.get('file_shape', results.get('ori_shape', labels.shape))
        if tuple(shape[:2]) != labels.shape:
            raise ValueError(
                f'image and mask differ in size: {results["img_path"]} is {tuple(shape[:2])}, '
                f'{path} is {labels.shape} (height, width). Take the image that the mask was drawn on, or take both '
                'out of the annotation file.'
            )
        return labels

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, size={self.size})'


def _check_size(transform: object, size: tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    if isinstance(size, int) or len(size) != 2 or min(size) < 1:
        raise ValueError(f'{type(transform).__name__}: size must be (height, width) in pixels, got {size!r}')
    return tuple(size)


def _place_in_clip(results: dict) -> str:
    """Which frame of which clip a sample is, for messages."""
    if 'clip' not in results:
        return ''
    return f' (frame {results["frame"] + 1} of the {results["num_frames"]} of clip {results["clip"]})'


def _decode(content: bytes, path: str, *, flag: str, backend: str) -> np.ndarray:
    """Decodes an image; errors name the file."""
    try:
        img = mmcv.imfrombytes(content, flag=flag, backend=backend)
    except Exception as e:  # each backend raises errors of its own
        raise OSError(f'cannot decode image {path}: {str(e).strip()}. {FILE_REMEDY}') from e
    if img is None:
        raise OSError(f'cannot decode image {path}: not an image, or damaged. {FILE_REMEDY}')
    return img

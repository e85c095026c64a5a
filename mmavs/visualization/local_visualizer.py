from collections.abc import Sequence
from importlib.util import find_spec

import cv2
import mmcv
import numpy as np
import torch.nn.functional as F
from mmengine.dist import master_only
from mmengine.logging import print_log
from mmseg.registry import VISUALIZERS
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer
from torch import Tensor

from .overlay import draw_names, draw_overlay, present_classes
from .strips import draw_class_line, draw_positions, draw_title

_GAP = 8  # pixels between panels


@VISUALIZERS.register_module()
class AVSegLocalVisualizer(SegLocalVisualizer):
    """``SegLocalVisualizer`` of mmseg that also shows the sounding classes and their positions.

    It draws the image, the ground truth and the prediction side by side, with the class names next to their
    objects. Below each panel there is a marker with the class name at the position of each source, from left to right
    as in the stereo audio. The last lines list the sounding classes of the annotation and those of the prediction.

    Args:
        min_size: Minimum length in pixels of the shorter side of an image; smaller images are enlarged.
        vis_backends: As in ``SegLocalVisualizer``. ``TensorboardVisBackend`` is left out without TensorBoard.
        min_width: Minimum width of the picture in pixels; images are enlarged to reach it.
        alpha: Opacity of the colors, from 0 to 1.
        name, args, kwargs: As in ``SegLocalVisualizer``.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        *args,
        min_size: int = 300,
        min_width: int = 640,
        alpha: float = 0.6,
        **kwargs,
    ) -> None:
        if kwargs.get('vis_backends'):
            kwargs['vis_backends'] = _without_missing_tensorboard(kwargs['vis_backends'])
        super().__init__(name, *args, alpha=alpha, **kwargs)
        self.min_size = min_size
        self.min_width = min_width

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: SegDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        step: int = 0,
        with_labels: bool | None = True,
    ) -> None:
        """Draws a sample; the arguments are those of ``SegLocalVisualizer.add_datasample``."""
        clip = None if data_sample is None else data_sample.metainfo.get('clip')
        if clip:  # frames of different clips may have equal names
            name = f'{clip.replace("/", "_")}_{name}'
        drawn = self.draw(image, data_sample, draw_gt=draw_gt, draw_pred=draw_pred, with_labels=with_labels)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(mmcv.rgb2bgr(drawn), out_file)
        elif not show:
            self.add_image(name, drawn, step)

    def draw(
        self,
        image: np.ndarray,
        data_sample: SegDataSample | None,
        *,
        draw_gt: bool = True,
        draw_pred: bool = True,
        with_labels: bool | None = True,
    ) -> np.ndarray:
        """Draws the panels of a sample.

        Args:
            image: RGB, uint8, (H, W, 3).
            data_sample: May have ``gt_sem_seg``, ``pred_sem_seg`` and the meta keys ``sources`` and ``audio_label``;
                missing ones are omitted.
            draw_gt: Draws the ground truth.
            draw_pred: Draws the prediction.
            with_labels: Writes the class names next to the objects.

        Returns:
            np.ndarray: RGB, uint8, (height, width, 3).
        """
        wanted = dict(gt_sem_seg=draw_gt, pred_sem_seg=draw_pred)
        keys = [key for key, draw in wanted.items() if draw and data_sample is not None and key in data_sample]
        size = self._panel_size(image.shape[:2], 1 + len(keys))
        font = font_size(size[1])
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC)
        panels = [('image', image)]
        maps = {key: _resize_segments(getattr(data_sample, key).data, size) for key in keys}
        for key, segments in maps.items():
            panels.append((self._title(key, segments), self._draw_segments(image, segments, font, with_labels)))
        meta = {} if data_sample is None else data_sample.metainfo
        positions = draw_positions(self._list_positions(meta.get('sources') or ()), size[1], size=font)
        columns = [np.concatenate([draw_title(title, size[1], size=font), p, positions]) for title, p in panels]
        picture = _join(columns)
        lines = []
        if (sounding := self._sounding_classes(meta)) is not None:
            lines.append(('sounding', sounding))
        if 'pred_sem_seg' in maps:
            lines.append(('predicted', self._present(maps['pred_sem_seg'])))
        for title, labels in lines:
            entries = [(self.dataset_meta['classes'][label], self.dataset_meta['palette'][label]) for label in labels]
            picture = np.concatenate([picture, draw_class_line(title, entries, picture.shape[1], size=font)])
        return picture

    def draw_frame(self, image: np.ndarray, segments: np.ndarray, *, with_labels: bool = True) -> np.ndarray:
        """Draws class indices over an image at its size, without titles and margins, for videos.

        Args:
            image: RGB, uint8, (H, W, 3).
            segments: Class indices (H, W), 255 for pixels to ignore.
            with_labels: Writes the class names next to the objects.

        Returns:
            np.ndarray: RGB, uint8, (H, W, 3).
        """
        return self._draw_segments(image, segments, font_size(image.shape[1]), with_labels)

    def _panel_size(self, shape: Sequence[int], count: int) -> tuple[int, int]:
        """Height and width of each of ``count`` panels."""
        width = (self.min_width - (count - 1) * _GAP) / count
        scale = max(1.0, self.min_size / min(shape), width / shape[1])
        return round(shape[0] * scale), int(np.ceil(shape[1] * scale))

    @property
    def _background(self) -> int | None:
        return 0 if self.dataset_meta['classes'][0] == 'background' else None

    def _present(self, segments: np.ndarray) -> list[int]:
        return present_classes(segments, len(self.dataset_meta['classes']), self._background)

    @staticmethod
    def _title(key: str, segments: np.ndarray) -> str:
        if key == 'pred_sem_seg':
            return 'prediction'
        ignored = segments == 255
        if ignored.all():
            return 'not annotated'
        return 'ground truth (hatched: ignored)' if ignored.any() else 'ground truth'

    def _draw_segments(self, image: np.ndarray, segments: np.ndarray, font: int, with_labels: bool | None):
        palette, background = self.dataset_meta['palette'], self._background
        panel = draw_overlay(image, segments, palette, alpha=self.alpha, background=background)
        if with_labels:
            draw_names(panel, segments, self.dataset_meta['classes'], palette, size=font, background=background)
        return panel

    def _list_positions(self, sources: Sequence[dict]) -> list[tuple[float, str, Sequence[int]]]:
        """Position, name and color of each source that has a class and a position."""
        classes, palette = self.dataset_meta['classes'], self.dataset_meta['palette']
        return [
            (source['position'], classes[label], palette[label])
            for source in sources
            if (label := source.get('label')) is not None and label < len(classes) and 'position' in source
        ]

    def _sounding_classes(self, meta: dict) -> list[int] | None:
        """The classes of the sources, or those of the sample for a mixture; None if they are not known."""
        sources, mixed = meta.get('sources'), meta.get('audio_label')
        if sources is None:
            sources = [dict(label=None)]
        found: list[int] = []
        for source in sources:
            label = source.get('label')
            if label is None and mixed is None:
                return None
            found += mixed if label is None else [label]
        return [label for label in dict.fromkeys(found) if label < len(self.dataset_meta['classes'])]


def _without_missing_tensorboard(backends: Sequence[dict]) -> list[dict]:
    if find_spec('tensorboard') is not None:
        return list(backends)
    kept = [backend for backend in backends if backend.get('type') != 'TensorboardVisBackend']
    if len(kept) < len(backends):
        print_log('TensorBoard is not installed, so no files are written for it: pip install tensorboard', 'current')
    return kept


def font_size(width: int) -> int:
    """Font size in pixels for a panel of ``width`` pixels."""
    return max(15, round(width / 24))


def _join(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Panels side by side, with white space between them."""
    space = np.full((len(columns[0]), _GAP, 3), 255, np.uint8)
    parts = [part for column in columns for part in (space, column)][1:]
    return np.concatenate(parts, axis=1)


def _resize_segments(segments: Tensor, size: Sequence[int]) -> np.ndarray:
    """Class indices (1, h, w), resized by nearest neighbor: int64 (H, W)."""
    return F.interpolate(segments[None].float(), size=tuple(size), mode='nearest')[0, 0].long().cpu().numpy()

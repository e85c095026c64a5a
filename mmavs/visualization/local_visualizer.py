from collections.abc import Sequence

import cv2
import mmcv
import numpy as np
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.registry import VISUALIZERS
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer
from torch import Tensor

_STRIP_HEIGHT = 44
_DARK = (32, 32, 32)


@VISUALIZERS.register_module()
class AVSegLocalVisualizer(SegLocalVisualizer):
    """``SegLocalVisualizer`` of mmseg that also shows the sounding classes and their positions.

    It draws the image, the ground truth and the prediction side by side. The strip below has the names of the sounding
    classes, and a marker in the color of its class at the position of each source, from left to right as in the stereo
    audio.

    Args:
        min_size: Smaller images are enlarged so that their shorter side has this many pixels.
        name, args, kwargs: As in ``SegLocalVisualizer``.
    """

    def __init__(self, name: str = 'visualizer', *args, min_size: int = 240, **kwargs) -> None:
        super().__init__(name, *args, **kwargs)
        self.min_size = min_size

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
            data_sample: May have ``gt_sem_seg``, ``pred_sem_seg`` and the meta key ``sources``; missing ones are
                omitted.
            draw_gt: Whether to draw the ground truth.
            draw_pred: Whether to draw the prediction.
            with_labels: Whether to write the class names into the segments.

        Returns:
            np.ndarray: RGB, uint8, (height, width of all panels, 3).
        """
        scale = max(1.0, self.min_size / min(image.shape[:2]))
        size = (round(image.shape[0] * scale), round(image.shape[1] * scale))
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC)
        panels = [('image', image)]
        for wanted, key, title in ((draw_gt, 'gt_sem_seg', 'ground truth'), (draw_pred, 'pred_sem_seg', 'prediction')):
            if wanted and data_sample is not None and key in data_sample:
                segments = _resize_segments(getattr(data_sample, key).data, size)
                if self.dataset_meta['classes'][0] == 'background':
                    segments[segments == 0] = 255  # drawn dark and without a name
                segments = PixelData(data=segments)
                panels.append(
                    (
                        title,
                        self._draw_sem_seg(
                            image, segments, self.dataset_meta['classes'], self.dataset_meta['palette'], with_labels
                        ),
                    )
                )
        meta = {} if data_sample is None else data_sample.metainfo
        strip = self._draw_sources(meta.get('sources', []), meta.get('audio_label'), size[1])
        columns = [np.concatenate([_draw_title(panel, title), strip]) for title, panel in panels]
        return np.concatenate(columns, axis=1)

    def _draw_sources(self, sources: Sequence[dict], mixed: Sequence[int] | None, width: int) -> np.ndarray:
        """Draws the strip with a marker for each source; ``mixed`` are the classes of sources that are mixtures."""
        strip = np.full((_STRIP_HEIGHT, width, 3), _DARK, np.uint8)
        texts: list[str] = []
        for source in sources:
            if source['label'] is None:
                texts += [self.dataset_meta['classes'][label] for label in mixed or ()]
                continue
            if source['label'] >= len(self.dataset_meta['classes']):
                continue  # the dataset ignores this class
            color = tuple(int(c) for c in self.dataset_meta['palette'][source['label']])
            x = round(source['position'] * (width - 1))
            cv2.drawMarker(strip, (x, 10), color, cv2.MARKER_TRIANGLE_UP, 14, 3)
            texts.append(self.dataset_meta['classes'][source['label']])
        text = 'sounds: ' + (', '.join(texts) or 'nothing')
        cv2.putText(
            strip, text, (4, _STRIP_HEIGHT - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA
        )
        return strip


def _resize_segments(segments: Tensor, size: Sequence[int]) -> Tensor:
    """Resizes class indices (1, h, w) by nearest neighbor."""
    return F.interpolate(segments[None].float(), size=tuple(size), mode='nearest')[0].long().cpu()


def _draw_title(panel: np.ndarray, title: str) -> np.ndarray:
    panel = np.ascontiguousarray(panel)
    cv2.putText(panel, title, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 3, cv2.LINE_AA)
    return cv2.putText(panel, title, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)

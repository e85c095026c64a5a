import os.path as osp
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.visualization import Visualizer
from mmseg.registry import HOOKS
from mmseg.structures import SegDataSample

from mmavs.datasets.mask_reading import read_pixels


@HOOKS.register_module()
class AVSegVisualizationHook(Hook):
    """Draws image, ground truth and prediction, with the names of the sounding classes, during validation and test.

    In a validation the same samples are drawn each time, at equal distances in the validation set, so that TensorBoard
    shows their predictions over the training. With several processes, the first draws those of its own samples.

    Args:
        draw: Enables the hook.
        num_samples: Number of samples drawn in a validation.
        interval: In a test, samples of every ``interval``-th batch are drawn.
        show: Shows the pictures in a window and does not store them.
        wait_time: Seconds for which a window is shown.
        backend_args: Arguments of mmengine's file backend, for reading the images.
    """

    def __init__(
        self,
        draw: bool = False,
        num_samples: int = 8,
        interval: int = 50,
        show: bool = False,
        wait_time: float = 0.0,
        backend_args: dict | None = None,
    ) -> None:
        if num_samples < 1 or interval < 1:
            raise ValueError(
                f'AVSegVisualizationHook: num_samples and interval must be positive, got {num_samples} and {interval}'
            )
        self.draw = draw
        self.num_samples = num_samples
        self.interval = interval
        self.show = show
        self.wait_time = wait_time
        self.backend_args = backend_args
        self._chosen: frozenset[int] = frozenset()
        self._seen = 0

    def before_val_epoch(self, runner: Any) -> None:
        """Chooses the samples of a validation."""
        total = len(runner.val_dataloader.sampler)
        places = np.linspace(0, total - 1, min(self.num_samples, total)) if total else []
        self._chosen = frozenset(round(float(place)) for place in places)
        self._seen = 0

    def after_val_iter(
        self,
        runner: Any,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[SegDataSample] | None = None,
    ) -> None:
        """Draws the chosen samples of a batch."""
        for sample in outputs or ():
            if self.draw and self._seen in self._chosen:
                self._draw_sample(runner, sample, 'val')
            self._seen += 1

    def after_test_iter(
        self,
        runner: Any,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[SegDataSample] | None = None,
    ) -> None:
        """Draws the samples of every ``interval``-th batch."""
        if self.draw and self.every_n_inner_iters(batch_idx, self.interval):
            for sample in outputs or ():
                self._draw_sample(runner, sample, 'test')

    def _draw_sample(self, runner: Any, sample: SegDataSample, mode: str) -> None:
        path = sample.img_path
        image = read_pixels(
            path, {}, flag='color_ignore_orientation', backend='cv2', backend_args=self.backend_args
        )  # without EXIF rotation, like LoadFrame, since masks are drawn on the stored pixels
        visualizer = Visualizer.get_current_instance()
        visualizer.add_datasample(
            f'{mode}_{osp.basename(path)}',
            np.ascontiguousarray(image[..., ::-1]),
            data_sample=sample,
            show=self.show,
            wait_time=self.wait_time,
            step=runner.iter,
        )

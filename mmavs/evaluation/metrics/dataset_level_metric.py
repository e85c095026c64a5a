import io
import os.path as osp
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmengine.utils import mkdir_or_exist
from mmseg.registry import METRICS
from PIL import Image
from torch import Tensor

from mmavs.utils.files import make_output_folder, writing_error

from ..functional.confusion import ABSENT_CHOICES, confusion_matrix, dataset_level_scores
from .reporting import class_table, naming


@METRICS.register_module()
class DatasetLevelMetric(BaseMetric):
    """mIoU, F, FDR and accuracy from one confusion matrix over the whole set (Tables 2 and 3 of the paper).

    Does not depend on the batch size or on the number of processes. See :func:`dataset_level_scores` for the formulas.

    Args:
        beta2: beta^2 of the F score.
        absent: What mIoU does with a class that occurs neither in labels nor in predictions: ``'skip'`` leaves it out,
            ``'zero'`` counts 0, as the reference does.
        ignore_index: Label of pixels to leave out.
        output_dir: Folder for the predictions as PNGs of class indices, each named as its mask (in VPO-SS samples
            share an image), frames of a video below a folder of their clip; None writes none.
        format_only: Only writes them, and computes nothing.
        collect_device: ``'cpu'`` or ``'gpu'``.
        prefix: Put before the names of the results.
        kwargs: Others of mmengine's ``BaseMetric``.
    """

    def __init__(
        self,
        beta2: float = 0.3,
        absent: str = 'skip',
        ignore_index: int = 255,
        output_dir: str | None = None,
        format_only: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        **kwargs,
    ) -> None:
        # `tools/test.py --out` of mmseg sets keep_results too.
        kwargs.pop('keep_results', None)
        super().__init__(collect_device=collect_device, prefix=prefix, **kwargs)
        if absent not in ABSENT_CHOICES:
            raise ValueError(f'DatasetLevelMetric: absent must be one of {", ".join(ABSENT_CHOICES)}, got {absent!r}')
        if format_only and output_dir is None:
            raise ValueError('DatasetLevelMetric: format_only=True needs output_dir')
        self.beta2 = beta2
        self.absent = absent
        self.ignore_index = ignore_index
        self.output_dir = output_dir
        self.format_only = format_only
        if output_dir and is_main_process():
            make_output_folder(output_dir)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Counts the pixels of a batch; keeps the non-zero counts of each sample."""
        num_classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            pred = sample['pred_sem_seg']['data'].squeeze()
            if self.output_dir:
                path = sample.get('seg_map_path') or sample['img_path']
                self._write(sample['pred_sem_seg']['data'], osp.join(sample.get('clip', ''), osp.basename(path)))
            if self.format_only:
                self.results.append(None)
                continue
            label = sample['gt_sem_seg']['data'].squeeze().to(pred.device)
            with naming(sample):
                counts = confusion_matrix(pred, label, num_classes, self.ignore_index).flatten().cpu().numpy()
            cells = counts.nonzero()[0]
            self.results.append((cells.astype(np.int32), counts[cells].astype(np.int64)))

    def _write(self, pred: Tensor, path: str) -> None:
        path = osp.join(self.output_dir, osp.splitext(path)[0] + '.png')
        content = io.BytesIO()
        Image.fromarray(pred.view(pred.shape[-2:]).cpu().numpy().astype(np.uint8)).save(content, format='PNG')
        try:
            mkdir_or_exist(osp.dirname(path))
            Path(path).write_bytes(content.getvalue())
        except OSError as error:
            raise writing_error(path, error, goes_on=False) from error

    def compute_metrics(self, results: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
        """Adds up the counts, prints the table of classes and returns the overall results in percent."""
        logger = MMLogger.get_current_instance()
        if self.format_only:
            print_log(f'predictions are in {self.output_dir}', logger)
            return {}
        classes = self.dataset_meta['classes']
        counts = np.zeros(len(classes) ** 2, dtype=np.int64)
        for cells, values in results:
            counts[cells] += values
        scores = dataset_level_scores(counts.reshape(len(classes), -1), beta2=self.beta2, absent=self.absent)
        columns = {name: scores[name] for name in ('IoU', 'F', 'FDR', 'Acc')}
        print_log('dataset level, per class results, in %:\n' + class_table(classes, columns), logger)
        return {name: round(100 * float(scores[name]), 2) for name in ('mIoU', 'mF', 'mFDR', 'mAcc', 'aAcc')}

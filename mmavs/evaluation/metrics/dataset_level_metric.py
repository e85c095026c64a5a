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
from .reporting import class_table, sample_in_errors

_COMPARISON = (
    '\nThe mIoU includes the background. Compare these results with Tables 2 and 3 of the paper, and with the row of '
    'CAVP in Table 1; the other rows of Table 1 are means over frames.'
)


@METRICS.register_module()
class DatasetLevelMetric(BaseMetric):
    """mIoU, F, FDR and accuracy from one confusion matrix of the whole dataset (Tables 2 and 3 of the paper).

    The results do not depend on the batch size or the number of processes. :func:`dataset_level_scores` has the
    formulas. In percent: ``mIoU``, ``mF``, ``mFDR``, ``mAcc``, ``aAcc``. The number of classes in each mean:
    ``mIoU_classes``, ``mF_classes``, ``mFDR_classes``, ``mAcc_classes``. mIoU counts the background as a class. mFDR
    leaves out the classes that are never predicted: compare it only between runs with an equal ``mFDR_classes``.

    Args:
        beta2: beta^2 of the F score.
        absent: How mIoU treats a class that occurs neither in labels nor in predictions: ``'skip'`` leaves it out,
            ``'zero'`` counts it as 0, as the reference implementation does.
        ignore_index: Label of the pixels to ignore.
        output_dir: Folder for the predictions, PNG files of class indices. A file is named after its mask, since
            samples of VPO-SS share images; frames of a video are in a folder named after the clip. None writes no
            predictions.
        format_only: Writes the predictions without computing metrics.
        collect_device: ``'cpu'`` or ``'gpu'``.
        prefix: Prefix of the names of the results.
        kwargs: Other arguments of mmengine's ``BaseMetric``.

    Raises:
        ValueError: An argument is invalid, or a label or prediction is not a class; the message names the file.
        OSError: A prediction cannot be written.
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
        # mmseg's `tools/test.py --out` also passes keep_results, an argument of its IoUMetric.
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
        """Adds the non-zero entries of the confusion matrix of each sample to the results."""
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
            with sample_in_errors(sample):
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
        """Sums the confusion matrices, prints the table of classes and returns the results."""
        logger = MMLogger.get_current_instance()
        if self.format_only:
            print_log(f'The predictions are in {self.output_dir}.', logger)
            return {}
        classes = self.dataset_meta['classes']
        counts = np.zeros(len(classes) ** 2, dtype=np.int64)
        for cells, values in results:
            counts[cells] += values
        scores = dataset_level_scores(counts.reshape(len(classes), -1), beta2=self.beta2, absent=self.absent)
        columns = ('IoU', 'F', 'FDR', 'Acc')
        table = class_table(
            classes,
            {name: scores[name] for name in columns},
            {name: scores[f'm{name}'] for name in columns},
            {name: scores[f'm{name}_classes'] for name in columns},
        )
        print_log(
            'Dataset-level results per class, in %:\n' + table + self._classes_without_fdr(scores) + _COMPARISON, logger
        )
        results = {name: round(100 * float(scores[name]), 2) for name in (*(f'm{name}' for name in columns), 'aAcc')}
        return results | {f'm{name}_classes': scores[f'm{name}_classes'] for name in columns}

    def _classes_without_fdr(self, scores: dict) -> str:
        """A line that lists the classes that mFDR leaves out; empty if there are none."""
        unpredicted = np.isnan(scores['FDR']) & ~np.isnan(scores['Acc'])
        names = [name for name, omitted in zip(self.dataset_meta['classes'], unpredicted, strict=True) if omitted]
        return f'\nLabeled but never predicted, therefore not in mFDR: {", ".join(names)}' if names else ''

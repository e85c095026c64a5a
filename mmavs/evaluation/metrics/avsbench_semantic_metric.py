from collections.abc import Sequence

from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.registry import METRICS

from ..functional.avsbench_semantic import ClassCounts, count_classes, semantic_scores
from .reporting import class_table, sample_in_errors


@METRICS.register_module()
class AVSBenchSemanticMetric(BaseMetric):
    """IoU and F of AVSBench's semantic protocol: per frame and class, averaged over frames, then over classes.

    Source: the protocol of "Audio-Visual Segmentation with Semantics" (Zhou et al., 2023). The results are not
    comparable with those of :class:`DatasetLevelMetric`, which differ by 10 to 17 points for the same model. The score
    of a class is the mean over the frames in which it is labeled or predicted. A class that occurs in no frame
    counts as 0. Results in percent, with the background (class 0) and without it:

    - ``avsbench_semantic/frame_mIoU``, ``avsbench_semantic/frame_mIoU_no_background``
    - ``avsbench_semantic/frame_mF``, ``avsbench_semantic/frame_mF_no_background``

    The number of classes in each mean is a result, too, such as ``avsbench_semantic/frame_mIoU_classes``. Frames
    without annotation (all ``ignore_index``) are left out. The results do not depend on the batch size or the number of
    processes.

    Args:
        beta2: Weight of precision against recall in F, beta^2.
        ignore_index: Label of the pixels to ignore.
        collect_device: ``'cpu'`` or ``'gpu'``.
        prefix: Prefix of the names of the results.
        kwargs: Other arguments of mmengine's ``BaseMetric``.
    """

    default_prefix = 'avsbench_semantic'

    def __init__(
        self,
        beta2: float = 0.3,
        ignore_index: int = 255,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        **kwargs,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, **kwargs)
        self.beta2 = beta2
        self.ignore_index = ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Adds the counts of the classes that occur in each frame of a batch to the results."""
        num_classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            pred = sample['pred_sem_seg']['data'].squeeze()
            label = sample['gt_sem_seg']['data'].squeeze().to(pred.device)
            with sample_in_errors(sample):
                self.results.append(count_classes(pred, label, num_classes, self.ignore_index))

    def compute_metrics(self, results: list[ClassCounts]) -> dict[str, float]:
        """Averages over frames, prints the table of classes and returns the results."""
        classes = self.dataset_meta['classes']
        scores = semantic_scores(results, len(classes), beta2=self.beta2)
        columns = {name: scores[name] for name in ('IoU', 'F', 'frames')}
        means, num_classes = dict(IoU=scores['mIoU'], F=scores['mF']), dict(IoU=len(classes), F=len(classes))
        unseen = int((scores['frames'] == 0).sum())
        print_log(
            'AVSBench semantic protocol, means over frames per class, in %:\n'
            + class_table(classes, columns, means, num_classes)
            + (f'\nClasses that occur in no frame, counted as 0: {unseen}' if unseen else '')
            + '\nCompare these means over frames with the cited rows of Table 1 of the paper.',
            MMLogger.get_current_instance(),
        )
        counts = dict.fromkeys(('mIoU', 'mF'), len(classes))
        counts |= dict.fromkeys(('mIoU_no_background', 'mF_no_background'), len(classes) - 1)
        names = ('mIoU', 'mIoU_no_background', 'mF', 'mF_no_background')
        return {f'frame_{name}': round(100 * scores[name], 2) for name in names} | {
            f'frame_{name}_classes': counts[name] for name in names
        }

from collections.abc import Sequence

from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.registry import METRICS

from ..functional.avsbench_semantic import ClassCounts, count_classes, semantic_scores
from .reporting import class_table, naming


@METRICS.register_module()
class AVSBenchSemanticMetric(BaseMetric):
    """IoU and F of AVSBench's protocol for semantics: per frame and class, averaged over frames, then over classes.

    Source: the protocol of "Audio-Visual Segmentation with Semantics" (Zhou et al., 2023). Not to be compared with the
    dataset-level figures of :class:`DatasetLevelMetric`, which differ by 10 to 17 points on the same model. The score
    of a class is the mean over the frames whose labels or prediction have it; a class that no frame has counts 0.
    Results, in percent, with the background (class 0) and without it:

    - ``avsbench_semantic/frame_mIoU``, ``avsbench_semantic/frame_mIoU_no_background``
    - ``avsbench_semantic/frame_mF``, ``avsbench_semantic/frame_mF_no_background``

    Frames without annotation (all ``ignore_index``) count nowhere. Does not depend on batch size or processes.

    Args:
        beta2: beta^2 of the F score.
        ignore_index: Label of pixels to leave out.
        collect_device: ``'cpu'`` or ``'gpu'``.
        prefix: Put before the names of the results.
        kwargs: Others of mmengine's ``BaseMetric``.
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
        """Counts the pixels of a batch; keeps the counts of the classes that each frame has."""
        num_classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            pred = sample['pred_sem_seg']['data'].squeeze()
            label = sample['gt_sem_seg']['data'].squeeze().to(pred.device)
            with naming(sample):
                self.results.append(count_classes(pred, label, num_classes, self.ignore_index))

    def compute_metrics(self, results: list[ClassCounts]) -> dict[str, float]:
        """Averages over frames, prints the table of classes and returns the means over classes in percent."""
        classes = self.dataset_meta['classes']
        scores = semantic_scores(results, len(classes), beta2=self.beta2)
        columns = {name: scores[name] for name in ('IoU', 'F', 'frames')}
        print_log(
            'AVSBench semantic protocol, per class means over frames, in %:\n' + class_table(classes, columns),
            MMLogger.get_current_instance(),
        )
        names = ('mIoU', 'mIoU_no_background', 'mF', 'mF_no_background')
        return {f'frame_{name}': round(100 * scores[name], 2) for name in names}

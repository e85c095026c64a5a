import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.registry import METRICS
from torch import Tensor

from ..functional.avsbench_object import (
    EMPTY_CLIP_CHOICES,
    FrameScore,
    f_curve,
    foreground_probability,
    jaccard,
    object_scores,
    threshold_counts,
)
from .reporting import naming


@METRICS.register_module()
class AVSBenchObjectMetric(BaseMetric):
    """J and F of AVSBench's protocol for objects: per frame, then averaged.

    Source: the protocol of "Audio-Visual Segmentation" (Zhou et al., ECCV 2022), by which the other methods of Table 1
    of the paper are compared. Not to be compared with the dataset-level figures of :class:`DatasetLevelMetric`, which
    differ by 10 to 17 points on the same model. Results, in percent:

    - ``avsbench_object/J``: mean over frames of the intersection over union of the object; of the background where no
      object is annotated.
    - ``avsbench_object/F_max_per_clip``: the published F: at each of 255 thresholds the mean over the frames of a clip,
      the maximum over the thresholds, the mean over clips.
    - ``avsbench_object/F_max_over_set``: the same with the whole set as one clip.

    F leaves frames without an object out. Frames without annotation (all ``ignore_index``) count nowhere. Clips are
    told apart by ``clip`` (str) of a sample's meta information, and not by the batches, as in AVSBench's code, whose F
    changes with the batch size; a sample without ``clip`` is a clip of its own. A pixel is predicted for J where the
    object's logit is the larger one, or, with a single output, its probability above 0.5, whatever the threshold of the
    head.

    Args:
        beta2: beta^2 of the F score.
        empty_clip: What ``F_max_per_clip`` does with a clip without any object: ``'skip'`` leaves it out, as the
            protocol leaves out each of its frames; ``'zero'`` counts it as 0. The protocol does not speak of such
            clips. The log says how many there are: without any, both choices give the same.
        ignore_index: Label of pixels to leave out.
        collect_device: ``'cpu'`` or ``'gpu'``.
        prefix: Put before the names of the results.
        kwargs: Others of mmengine's ``BaseMetric``.
    """

    default_prefix = 'avsbench_object'

    def __init__(
        self,
        beta2: float = 0.3,
        empty_clip: str = 'skip',
        ignore_index: int = 255,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        **kwargs,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, **kwargs)
        if empty_clip not in EMPTY_CLIP_CHOICES:
            raise ValueError(
                f'AVSBenchObjectMetric: empty_clip must be one of {", ".join(EMPTY_CLIP_CHOICES)}, got {empty_clip!r}'
            )
        self.beta2 = beta2
        self.empty_clip = empty_clip
        self.ignore_index = ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Scores the frames of a batch; keeps J and 255 values of F of each."""
        for sample in data_samples:
            with naming(sample):
                self.results.append(self._score(sample))

    def _score(self, sample: Mapping) -> FrameScore:
        logits = sample['seg_logits']['data']
        label = sample['gt_sem_seg']['data'].squeeze(0).to(logits.device)
        probability = foreground_probability(logits)
        pred = logits[1] > logits[0] if len(logits) == 2 else probability > 0.5
        if len(logits) == 2 and 'pred_sem_seg' in sample:
            _check_prediction(pred, sample['pred_sem_seg']['data'].squeeze(0), logits)
        curve = None
        hits, predicted, labelled = threshold_counts(probability, label, self.ignore_index)
        if labelled:
            curve = f_curve(hits, predicted, labelled, beta2=self.beta2).float().cpu().numpy()
        return FrameScore(sample.get('clip'), sample.get('frame'), jaccard(pred, label, self.ignore_index), curve)

    def compute_metrics(self, results: list[FrameScore]) -> dict[str, float]:
        """Averages over frames and clips, in percent, and says how many there were."""
        results = [FrameScore(*r) for r in results]  # mmengine has made plain tuples of them
        _warn_of_repeated(results)
        annotated = [r for r in results if r.jaccard is not None]
        with_object = [r for r in annotated if r.f_curve is not None]
        alone = sum(r.clip is None for r in annotated)
        clips = _count_clips(annotated)
        empty = clips - _count_clips(with_object)
        print_log(
            f'AVSBench object protocol: {len(results)} frames, {len(annotated)} of them annotated, {len(with_object)} '
            f'with an object; {clips} clips'
            + (f', {alone} of them single frames that belong to no clip' if alone else '')
            + (f', {empty} without any object (empty_clip={self.empty_clip!r})' if empty else ''),
            MMLogger.get_current_instance(),
        )
        scores = object_scores(results, empty_clip=self.empty_clip)
        return {name: round(100 * value, 2) for name, value in scores.items()}


def _count_clips(results: Sequence[FrameScore]) -> int:
    return len({r.clip for r in results if r.clip is not None}) + sum(r.clip is None for r in results)


def _check_prediction(pred: Tensor, told: Tensor, logits: Tensor) -> None:
    """Logits and prediction must be of one model run: mmseg's test-time augmentation leaves those of one view."""
    differ = pred != told
    if not differ.any():
        return
    differ &= (logits[1] - logits[0]).abs() > 1e-3  # but for rounding
    if differ.any():
        raise ValueError(
            f'pred_sem_seg is not the argmax of seg_logits at {int(differ.sum())} pixels; with test-time augmentation '
            "take tta_model=dict(type='AVSegTTAModel'), which averages both"
        )


def _warn_of_repeated(results: Sequence[FrameScore]) -> None:
    """Frames that occur twice: two clips of one name, or a sampler that repeats clips to fill the last batch."""
    counts = Counter((r.clip, r.frame) for r in results if r.clip is not None and r.frame is not None)
    repeated = [place for place, count in counts.items() if count > 1]
    if repeated:
        print_log(
            f'{len(repeated)} frames were scored more than once, first: frame {repeated[0][1]} of clip '
            f'{repeated[0][0]!r}. Are there two clips of this name, or does the sampler repeat clips?',
            MMLogger.get_current_instance(),
            logging.WARNING,
        )

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
from .reporting import sample_in_errors


@METRICS.register_module()
class AVSBenchObjectMetric(BaseMetric):
    """J and F of AVSBench's object protocol: per frame, then averaged.

    Source: the protocol of "Audio-Visual Segmentation" (Zhou et al., ECCV 2022), used for the other methods of Table 1
    of the paper. The results are not comparable with those of :class:`DatasetLevelMetric`, which differ by 10 to 17
    points for the same model. Results in percent:

    - ``avsbench_object/J``: the mean over frames of the intersection over union of the object, or of the background if
      the ground truth is empty.
    - ``avsbench_object/F_max_per_clip``: the published F. F at each of 255 thresholds is averaged over the frames of a
      clip, the maximum over thresholds is taken, and these maxima are averaged over clips.
    - ``avsbench_object/F_max_over_set``: the same with the whole dataset as one clip.

    Frames with an empty ground truth count for J but not for F. Frames without annotation (all ``ignore_index``) count
    for neither. ``avsbench_object/J_frames``, ``F_frames`` and ``F_clips`` are the numbers of frames and clips in
    the means.

    The meta key ``clip`` (str) of a sample names its clip; a sample without it counts as a clip. The results do not
    depend on the batch size, unlike F in AVSBench's code. For J, a pixel is predicted if the logit of the object is
    the larger one or, with one output channel, if its probability is above 0.5. The threshold of the head is not used.

    Args:
        beta2: Weight of precision against recall in F, beta^2.
        empty_clip: How ``F_max_per_clip`` treats a clip without an object in any frame: ``'skip'`` leaves it out,
            ``'zero'`` counts it as 0. The protocol does not define this. The log shows the number of such clips.
        ignore_index: Label of the pixels to ignore.
        collect_device: ``'cpu'`` or ``'gpu'``.
        prefix: Prefix of the names of the results.
        kwargs: Other arguments of mmengine's ``BaseMetric``.

    Raises:
        ValueError: An argument is invalid, or a sample does not fit the protocol; the message names the file.
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
        """Adds J and the F curve of each frame of a batch to the results."""
        for sample in data_samples:
            with sample_in_errors(sample):
                self.results.append(self._score(sample))

    def _score(self, sample: Mapping) -> FrameScore:
        logits = sample['seg_logits']['data']
        label = sample['gt_sem_seg']['data'].squeeze(0).to(logits.device)
        probability = foreground_probability(logits)
        pred = logits[1] > logits[0] if len(logits) == 2 else probability > 0.5
        if len(logits) == 2 and 'pred_sem_seg' in sample:
            _check_prediction(pred, sample['pred_sem_seg']['data'].squeeze(0), logits)
        curve = None
        hits, predicted, labeled = threshold_counts(probability, label, self.ignore_index)
        if labeled:
            curve = f_curve(hits, predicted, labeled, beta2=self.beta2).float().cpu().numpy()
        return FrameScore(sample.get('clip'), sample.get('frame'), jaccard(pred, label, self.ignore_index), curve)

    def compute_metrics(self, results: list[FrameScore]) -> dict[str, float]:
        """Averages over frames and clips, logs the numbers of both and returns the results."""
        results = [FrameScore(*r) for r in results]  # mmengine turns named tuples into plain ones
        _warn_of_repeated(results)
        annotated = [r for r in results if r.jaccard is not None]
        scores = object_scores(results, empty_clip=self.empty_clip)
        num_frames = {name: scores.pop(name) for name in ('J_frames', 'F_frames', 'F_clips')}
        single = sum(r.clip is None for r in annotated)
        clips = _count_clips(annotated)
        empty = clips - _count_clips([r for r in annotated if r.f_curve is not None])
        print_log(
            f'AVSBench object protocol: {len(results)} frames, {len(annotated)} annotated. J is the mean over '
            f'{num_frames["J_frames"]} frames, including {num_frames["J_frames"] - num_frames["F_frames"]} whose '
            f'ground truth is empty; F is the mean over {num_frames["F_frames"]} frames, without these. {clips} clips'
            + (f', including {single} single frames without a clip' if single else '')
            + (f'; {empty} without an object in any frame (empty_clip={self.empty_clip!r})' if empty else '')
            + '. Compare these means over frames with the cited rows of Table 1 of the paper.',
            MMLogger.get_current_instance(),
        )
        return {name: round(100 * value, 2) for name, value in scores.items()} | num_frames


def _count_clips(results: Sequence[FrameScore]) -> int:
    return len({r.clip for r in results if r.clip is not None}) + sum(r.clip is None for r in results)


def _check_prediction(pred: Tensor, given: Tensor, logits: Tensor) -> None:
    """Raises a ValueError if the prediction does not belong to the logits.

    mmseg's test-time augmentation returns the averaged prediction with the logits of a single view.
    """
    differ = pred != given
    if not differ.any():
        return
    differ &= (logits[1] - logits[0]).abs() > 1e-3  # rounding may change the argmax of almost equal logits
    if differ.any():
        raise ValueError(
            f'pred_sem_seg is not the argmax of seg_logits at {int(differ.sum())} pixels; with test-time augmentation '
            "set tta_model=dict(type='AVSegTTAModel'), which averages both"
        )


def _warn_of_repeated(results: Sequence[FrameScore]) -> None:
    """Warns of frames that occur twice: two clips have the same name, or the sampler pads the last batch."""
    counts = Counter((r.clip, r.frame) for r in results if r.clip is not None and r.frame is not None)
    repeated = [key for key, count in counts.items() if count > 1]
    if repeated:
        print_log(
            f'{len(repeated)} frames were scored more than once, the first is frame {repeated[0][1]} of clip '
            f'{repeated[0][0]!r}. Use unique names of clips and a sampler that does not repeat clips.',
            MMLogger.get_current_instance(),
            logging.WARNING,
        )

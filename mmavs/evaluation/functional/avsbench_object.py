"""J and F of AVSBench's object protocol, frame by frame, as pure functions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

NUM_THRESHOLDS = 255
EMPTY_CLIP_CHOICES = ('skip', 'zero')


class FrameScore(NamedTuple):
    """The scores of a frame.

    Attributes:
        clip: Name of the clip of the frame; None for a single frame, which counts as a clip.
        frame: Index of the frame in the clip; None if unknown.
        jaccard: J, in [0, 1]; None for a frame without annotation.
        f_curve: float32 (255,), F at each threshold, in [0, 1]; None if no object is annotated.
    """

    clip: str | None
    frame: int | None
    jaccard: float | None
    f_curve: np.ndarray | None


def f_thresholds(device: torch.device | str | None = None) -> Tensor:
    """float32 (255,), 0 to 1 in equal steps. A pixel is predicted if its probability is at least the threshold."""
    return torch.linspace(0, 1, NUM_THRESHOLDS).to(device)  # linspace of a GPU may differ in the last bit


def foreground_probability(logits: Tensor) -> Tensor:
    """The probability that a pixel belongs to the object.

    Args:
        logits: Float (2, H, W), the logits of background and object; or float (1, H, W), the probability in [0, 1],
            as mmseg returns it for a model with one output channel.

    Returns:
        Tensor: float32 (H, W), in [0, 1].

    Raises:
        ValueError: The number of channels is neither 1 nor 2, or a probability is NaN or outside [0, 1].
    """
    if logits.ndim != 3 or len(logits) not in (1, 2):
        raise ValueError(
            f'the object protocol needs seg_logits of shape (2, H, W) (background and object) or (1, H, W), got '
            f'{tuple(logits.shape)}; set num_classes=2 in the decode head and use a dataset with binary labels'
        )
    probability = logits.float().softmax(dim=0)[1] if len(logits) == 2 else logits[0].float()
    low, high = probability.aminmax()
    if not (low >= 0 and high <= 1):  # NaN fails, too
        raise ValueError(
            f'seg_logits give probabilities from {low.item()} to {high.item()}: has the training diverged?'
        )
    return probability


def threshold_counts(probability: Tensor, label: Tensor, ignore_index: int = 255) -> tuple[Tensor, Tensor, Tensor]:
    """Counts the predicted and correct pixels of a frame at all thresholds in one pass over a histogram.

    Args:
        probability: float32 (H, W), in [0, 1].
        label: 0, 1 or ``ignore_index``, (H, W).
        ignore_index: Label of the pixels to ignore.

    Returns:
        tuple: int64 tensors. At each of :func:`f_thresholds`, ``hits`` (255,), the predicted pixels of the object, and
        ``predicted`` (255,), all predicted pixels. ``labeled`` (), the pixels of the object.
    """
    size = NUM_THRESHOLDS + 1
    cells = _threshold_bins(probability).add_(_label_rows(label, probability.shape, ignore_index), alpha=size)
    histogram = torch.bincount(cells.flatten(), minlength=3 * size).view(3, size)[:2]
    reached = histogram.flip(1).cumsum(dim=1).flip(1)
    return reached[1, 1:], reached[:, 1:].sum(dim=0), reached[1, 0]


def _threshold_bins(probability: Tensor) -> Tensor:
    """The number of thresholds at or below each probability, int64; faster than torch.bucketize."""
    nearest = (probability * (NUM_THRESHOLDS - 1) + 0.5).to(torch.int64)
    return nearest + (f_thresholds(probability.device)[nearest] <= probability)


def _label_rows(label: Tensor, shape: torch.Size, ignore_index: int) -> Tensor:
    """The label as int64: 0 background, 1 object, 2 ignored. Raises a ValueError for other values or shapes."""
    if label.shape != shape:
        raise ValueError(f'prediction {tuple(shape)} and label {tuple(label.shape)} differ in shape')
    ignored = label == ignore_index
    rows = label.to(torch.int64).masked_fill(ignored, 0)
    low, high = rows.aminmax() if rows.numel() else (0, 0)
    if low < 0 or high > 1:
        raise ValueError(
            f'labels must be 0, 1 or {ignore_index} (ignored), got values from {low} to {high}; '
            'use a dataset with binary labels'
        )
    return rows.add_(ignored, alpha=2)


def f_curve(hits: Tensor, predicted: Tensor, labeled: Tensor, *, beta2: float = 0.3) -> Tensor:
    """F = (1 + b) P R / (b P + R) from the counts of :func:`threshold_counts`, float64 (255,), in [0, 1].

    P = hits / predicted and R = hits / labeled. F is 0 where no pixel is hit. The frame must have an object.
    """
    return (1 + beta2) * hits.double() / (beta2 * labeled.double() + predicted)


def jaccard(pred: Tensor, label: Tensor, ignore_index: int = 255) -> float | None:
    """J of a frame, in [0, 1]: |P and G| / |P or G| of the object, or of the background if no object is annotated.

    In the second case the union is the whole frame, as in AVSBench's code: J is the share of pixels that are not
    predicted.

    Args:
        pred: bool (H, W), True where the object is predicted.
        label: 0, 1 or ``ignore_index``, (H, W).
        ignore_index: Label of the pixels to ignore.

    Returns:
        float or None: None for a frame without annotation (all ``ignore_index``).
    """
    cells = _label_rows(label, pred.shape, ignore_index).mul_(2).add_(pred)
    (right, false), (missed, hit) = torch.bincount(cells.flatten(), minlength=6)[:4].view(2, 2).tolist()
    if missed + hit:
        return hit / (false + missed + hit)
    return right / (right + false) if right + false else None


def object_scores(frames: Sequence[FrameScore], *, empty_clip: str = 'skip') -> dict[str, float | int]:
    """J and F of a dataset. The order of the frames does not matter.

    J is the mean over all annotated frames, including those with an empty ground truth (no object). F is undefined for
    these and is averaged over the other annotated frames.

    Args:
        frames: The scores of each frame.
        empty_clip: How ``F_max_per_clip`` treats a clip without an object in any annotated frame: ``'skip'`` leaves it
            out, ``'zero'`` counts it as 0.

    Returns:
        dict: Scores, float in [0, 1], NaN if there is nothing to average:

        - ``J``: the mean over frames.
        - ``F_max_per_clip``: the published F. The F curves of the frames of a clip are averaged, the maximum over
          thresholds is taken, and these maxima are averaged over clips.
        - ``F_max_over_set``: the same with all frames as one clip.

        Numbers, int: ``J_frames`` and ``F_frames``, the frames in each mean, and ``F_clips``, the clips in
        ``F_max_per_clip``.

    Raises:
        ValueError: ``empty_clip`` has another value.
    """
    if empty_clip not in EMPTY_CLIP_CHOICES:
        raise ValueError(f'empty_clip must be one of {", ".join(EMPTY_CLIP_CHOICES)}, got {empty_clip!r}')
    annotated = [frame for frame in frames if frame.jaccard is not None]
    clips = defaultdict(list)
    for i, frame in enumerate(annotated):
        clips[i if frame.clip is None else frame.clip].append(frame.f_curve)
    maxima = [_maximum_of_mean(curves) for curves in clips.values()]
    if empty_clip == 'zero':
        maxima = np.nan_to_num(maxima)
    num_clips = int((~np.isnan(maxima)).sum())
    return dict(
        J=float(np.mean([frame.jaccard for frame in annotated])) if annotated else float('nan'),
        F_max_per_clip=float(np.nanmean(maxima)) if num_clips else float('nan'),
        F_max_over_set=_maximum_of_mean([frame.f_curve for frame in annotated]),
        J_frames=len(annotated),
        F_frames=sum(frame.f_curve is not None for frame in annotated),
        F_clips=num_clips,
    )


def _maximum_of_mean(curves: Sequence[np.ndarray | None]) -> float:
    """The maximum of the mean of the curves that are not None; NaN if there are none."""
    curves = [curve for curve in curves if curve is not None]
    return float(np.mean(curves, axis=0, dtype=np.float64).max()) if curves else float('nan')

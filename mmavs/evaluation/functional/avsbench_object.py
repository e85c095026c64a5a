"""J and F of AVSBench's protocol for objects, frame by frame, as pure functions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

NUM_THRESHOLDS = 255
EMPTY_CLIP_CHOICES = ('skip', 'zero')


class FrameScore(NamedTuple):
    """What is kept of a frame.

    Attributes:
        clip: Id of the clip that it belongs to; None for a frame that is a clip of its own.
        frame: Its index in the clip; None if unknown.
        jaccard: J, in [0, 1]; None for a frame without annotation.
        f_curve: float32 (255,), F at each threshold, in [0, 1]; None where no object is annotated.
    """

    clip: str | None
    frame: int | None
    jaccard: float | None
    f_curve: np.ndarray | None


def f_thresholds(device: torch.device | str | None = None) -> Tensor:
    """float32 (255,): 0 to 1 in equal steps; a pixel is predicted where its probability is no less than a threshold."""
    return torch.linspace(0, 1, NUM_THRESHOLDS).to(device)  # a device's own linspace may differ in the last bit


def foreground_probability(logits: Tensor) -> Tensor:
    """Probability of the object.

    Args:
        logits: Floats, (2, H, W): logits of background and object; or (1, H, W): the probability itself, in [0, 1], as
            mmseg gives it for a model with a single output.

    Returns:
        Tensor: float32 (H, W), in [0, 1].

    Raises:
        ValueError: Another number of channels, or values that are not finite.
    """
    if logits.ndim != 3 or len(logits) not in (1, 2):
        raise ValueError(
            f'the object protocol needs seg_logits of 2 channels (background and object) or 1, each (H, W), got shape '
            f'{tuple(logits.shape)}; num_classes of the head and binary labels of the dataset must fit it'
        )
    probability = logits.float().softmax(dim=0)[1] if len(logits) == 2 else logits[0].float()
    low, high = probability.aminmax()
    if not (low >= 0 and high <= 1):  # NaN fails, too
        raise ValueError(
            f'seg_logits give probabilities from {low.item()} to {high.item()}: has the training diverged?'
        )
    return probability


def threshold_counts(probability: Tensor, label: Tensor, ignore_index: int = 255) -> tuple[Tensor, Tensor, Tensor]:
    """Counts the pixels of a frame at all thresholds in one pass, by a histogram.

    Args:
        probability: float32 (H, W), in [0, 1].
        label: 0, 1 or ``ignore_index``, (H, W).
        ignore_index: Label of pixels to leave out.

    Returns:
        tuple: int64 ``hits`` (255,), predicted pixels of the object, and ``predicted`` (255,), all predicted pixels,
        at each of :func:`f_thresholds`; ``labelled`` (), pixels of the object.
    """
    size = NUM_THRESHOLDS + 1
    cells = _threshold_bins(probability).add_(_label_rows(label, probability.shape, ignore_index), alpha=size)
    histogram = torch.bincount(cells.flatten(), minlength=3 * size).view(3, size)[:2]
    reached = histogram.flip(1).cumsum(dim=1).flip(1)
    return reached[1, 1:], reached[:, 1:].sum(dim=0), reached[1, 0]


def _threshold_bins(probability: Tensor) -> Tensor:
    """int64, how many thresholds each probability reaches: by the nearest one, faster than by bisection."""
    nearest = (probability * (NUM_THRESHOLDS - 1) + 0.5).to(torch.int64)
    return nearest + (f_thresholds(probability.device)[nearest] <= probability)


def _label_rows(label: Tensor, shape: torch.Size, ignore_index: int) -> Tensor:
    """int64: 0 background, 1 object, 2 ignored; checked."""
    if label.shape != shape:
        raise ValueError(f'prediction {tuple(shape)} and label {tuple(label.shape)} differ in shape')
    ignored = label == ignore_index
    rows = label.to(torch.int64).masked_fill(ignored, 0)
    low, high = rows.aminmax() if rows.numel() else (0, 0)
    if low < 0 or high > 1:
        raise ValueError(
            f'labels must be 0 or 1 (or {ignore_index}, ignored), got values from {low} to {high}; '
            'does the dataset give binary labels?'
        )
    return rows.add_(ignored, alpha=2)


def f_curve(hits: Tensor, predicted: Tensor, labelled: Tensor, *, beta2: float = 0.3) -> Tensor:
    """F = (1 + b) P R / (b P + R) from the counts of :func:`threshold_counts`, float64 (255,), in [0, 1].

    P = hits / predicted and R = hits / labelled. 0 where nothing is hit. The frame must have an object.
    """
    return (1 + beta2) * hits.double() / (beta2 * labelled.double() + predicted)


def jaccard(pred: Tensor, label: Tensor, ignore_index: int = 255) -> float | None:
    """J of a frame, in [0, 1]: |P and G| / |P or G| of the object, or of the background if no object is annotated.

    The latter as AVSBench does it, where the union is all pixels: the share of the frame that is not predicted.

    Args:
        pred: bool (H, W), where the object is predicted.
        label: 0, 1 or ``ignore_index``, (H, W).
        ignore_index: Label of pixels to leave out.

    Returns:
        float or None: None for a frame without annotation, all ``ignore_index``.
    """
    cells = _label_rows(label, pred.shape, ignore_index).mul_(2).add_(pred)
    (right, false), (missed, hit) = torch.bincount(cells.flatten(), minlength=6)[:4].view(2, 2).tolist()
    if missed + hit:
        return hit / (false + missed + hit)
    return right / (right + false) if right + false else None


def object_scores(frames: Sequence[FrameScore], *, empty_clip: str = 'skip') -> dict[str, float]:
    """J and both F of a set of frames, in any order.

    Frames without annotation count nowhere, those without an object only in J.

    Args:
        frames: The scores of each.
        empty_clip: What ``F_max_per_clip`` does with a clip none of whose annotated frames has an object: ``'skip'``
            leaves it out, ``'zero'`` counts it as 0.

    Returns:
        dict: In [0, 1], NaN where there is nothing to average: ``J``, mean over frames; ``F_max_per_clip``, the
        published F: mean over frames at each threshold and maximum over the thresholds, of each clip, then the mean
        over clips; ``F_max_over_set``: the same with all frames as one clip.
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
    return dict(
        J=float(np.mean([frame.jaccard for frame in annotated])) if annotated else float('nan'),
        F_max_per_clip=float(np.nanmean(maxima)) if not np.isnan(maxima).all() else float('nan'),
        F_max_over_set=_maximum_of_mean([frame.f_curve for frame in annotated]),
    )


def _maximum_of_mean(curves: Sequence[np.ndarray | None]) -> float:
    """Over the frames that have a curve; NaN if none has."""
    curves = [curve for curve in curves if curve is not None]
    return float(np.mean(curves, axis=0, dtype=np.float64).max()) if curves else float('nan')

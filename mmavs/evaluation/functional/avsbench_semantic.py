"""Per-frame IoU and F of AVSBench's semantic protocol, as pure functions."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from torch import Tensor

from .confusion import confusion_matrix


class ClassCounts(NamedTuple):
    """Numbers of pixels of the K classes that occur in the label or prediction of a frame; all int32 (K,).

    Attributes:
        classes: Class indices.
        hit: Pixels that are both predicted and labeled as the class.
        labeled: Pixels that are labeled as the class.
        predicted: Pixels that are predicted as the class.
    """

    classes: np.ndarray
    hit: np.ndarray
    labeled: np.ndarray
    predicted: np.ndarray


def count_classes(pred: Tensor, label: Tensor, num_classes: int, ignore_index: int = 255) -> ClassCounts:
    """Counts the pixels of a frame; arguments and errors are those of :func:`confusion_matrix`."""
    confusion = confusion_matrix(pred, label, num_classes, ignore_index).cpu().numpy().astype(np.int32)
    hit, labeled, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    classes = (labeled + predicted).nonzero()[0].astype(np.int32)
    return ClassCounts(classes, *(values[classes].astype(np.int32) for values in (hit, labeled, predicted)))


def semantic_scores(frames: Iterable[ClassCounts], num_classes: int, *, beta2: float = 0.3) -> dict[str, np.ndarray]:
    """IoU and F of each class, averaged over the frames in which it occurs, and their means over classes.

    A class that occurs in no frame counts as 0 in the means, as in AVSBench's code. Therefore results on different sets
    of classes are not comparable.

    Args:
        frames: Counts of each frame.
        num_classes: Number of classes, including the background, which is class 0.
        beta2: Weight of precision against recall in F = (1 + b) P R / (b P + R).

    Returns:
        dict: Per class, (num_classes,): the sums over frames ``iou_sum`` and ``f_sum``, the number of ``frames`` in
        which the class occurs, and ``IoU`` and ``F`` in [0, 1]. Means over classes, float in [0, 1]: ``mIoU``, ``mF``,
        ``mIoU_no_background``, ``mF_no_background``. ``IoU``, ``F`` and the means are NaN if there are no frames.
    """
    iou_sum, f_sum, count = np.zeros(num_classes), np.zeros(num_classes), np.zeros(num_classes, dtype=np.int64)
    for classes, hit, labeled, predicted in frames:
        iou_sum[classes] += hit / (labeled + predicted - hit)
        f_sum[classes] += (1 + beta2) * hit / (beta2 * labeled + predicted)
        count[classes] += 1
    if count.any():
        iou, f_score = iou_sum / np.maximum(count, 1), f_sum / np.maximum(count, 1)
    else:
        iou = f_score = np.full(num_classes, np.nan)
    return dict(
        iou_sum=iou_sum,
        f_sum=f_sum,
        frames=count,
        IoU=iou,
        F=f_score,
        mIoU=float(iou.mean()),
        mF=float(f_score.mean()),
        mIoU_no_background=float(iou[1:].mean()),
        mF_no_background=float(f_score[1:].mean()),
    )

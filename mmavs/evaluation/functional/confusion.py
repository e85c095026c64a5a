"""Dataset-level metrics from one confusion matrix, as pure functions."""

import numpy as np
import torch
from torch import Tensor

ABSENT_CHOICES = ('skip', 'zero')


def confusion_matrix(pred: Tensor, label: Tensor, num_classes: int, ignore_index: int = 255) -> Tensor:
    """The confusion matrix of labels (rows) and predictions (columns), in pixels.

    Args:
        pred: Class indices in [0, num_classes), any shape.
        label: Class indices or ``ignore_index``, the same shape.
        num_classes: Number of classes, background included.
        ignore_index: Label of the pixels to ignore.

    Returns:
        Tensor: int64 (num_classes, num_classes).

    Raises:
        ValueError: The shapes differ, or a value is not a class index.
    """
    if pred.shape != label.shape:
        raise ValueError(f'prediction {tuple(pred.shape)} and label {tuple(label.shape)} differ in shape')
    label = label.flatten().to(torch.int64)
    pred = pred.flatten().to(torch.int64)
    if not label.numel():
        return label.new_zeros(num_classes, num_classes)
    if ignore_index < 0:  # as index num_classes, like larger values of ignore_index
        ignored, ignore_index = label == ignore_index, max(num_classes, int(label.amax()) + 1)
        label = label.masked_fill(ignored, ignore_index)
    _check_range('predictions', pred, num_classes, num_classes, ignore_index)
    # One pass counts all pixels. Ignored and invalid labels are counted in rows after those of the classes.
    rows = max(num_classes, ignore_index + 1)
    _check_range('labels', label, rows, num_classes, ignore_index)
    counts = torch.bincount(torch.add(pred, label, alpha=num_classes), minlength=rows * num_classes)
    counts = counts.view(rows, num_classes)
    if ignore_index < rows:
        counts[ignore_index] = 0
    if counts[num_classes:].any():
        _check_range('labels', label[label != ignore_index], num_classes, num_classes, ignore_index)
    return counts[:num_classes]


def _check_range(name: str, values: Tensor, end: int, num_classes: int, ignore_index: int) -> None:
    """Raises a ValueError if a value is outside [0, end)."""
    low, high = (v.item() for v in values.aminmax())
    if low < 0 or high >= end:
        raise ValueError(
            f'{name} must lie in [0, {num_classes - 1}] (labels may also be {ignore_index}), got values from {low} to '
            f'{high}'
        )


def dataset_level_scores(
    confusion: np.ndarray, *, beta2: float = 0.3, absent: str = 'skip'
) -> dict[str, np.ndarray | float | int]:
    """IoU, F, FDR and accuracy of each class and over all (Sec. 5.1 and Tables 2, 3 of the paper).

    A class is absent if it occurs in no label and in no prediction. The means of F and FDR leave absent classes out. So
    does mIoU with ``absent='skip'``; with ``'zero'`` they count as 0, as in the reference implementation.

    A class that is labeled but never predicted has F = 0, and its FDR is undefined, so mFDR leaves it out. Therefore
    mFDR may improve when a model stops predicting a class. Compare values of mFDR only if ``mFDR_classes`` is equal.

    Args:
        confusion: (classes, classes), row = label, column = prediction.
        beta2: Weight of precision against recall in F = (1 + b) P R / (b P + R).
        absent: ``'skip'`` or ``'zero'``.

    Returns:
        dict: Per class, float64 (classes,) in [0, 1], NaN where undefined: ``IoU``, ``F``, ``FDR``, ``Acc`` (recall).
        Their means over classes, float in [0, 1], NaN if no class counts: ``mIoU``, ``mF``, ``mFDR``, ``mAcc``. The
        number of classes in each mean, int: ``mIoU_classes``, ``mF_classes``, ``mFDR_classes``, ``mAcc_classes``. The
        share of correct pixels, float in [0, 1]: ``aAcc``.

    Raises:
        ValueError: ``absent`` has another value.
    """
    if absent not in ABSENT_CHOICES:
        raise ValueError(f'absent must be one of {", ".join(ABSENT_CHOICES)}, got {absent!r}')
    confusion = np.asarray(confusion, dtype=np.float64)
    hit, labeled, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    with np.errstate(invalid='ignore', divide='ignore'):
        iou = hit / (labeled + predicted - hit)
        # F of P = hit / predicted and R = hit / labeled, simplified; defined for every class that is not absent
        f_score = (1 + beta2) * hit / (beta2 * labeled + predicted)
        fdr = 1 - hit / predicted
        recall = hit / labeled
        overall = hit.sum() / confusion.sum()
    per_class = dict(IoU=iou, F=f_score, FDR=fdr, Acc=recall)
    averaged = per_class | dict(IoU=np.nan_to_num(iou) if absent == 'zero' else iou)
    return (
        per_class
        | {f'm{name}': _mean(values) for name, values in averaged.items()}
        | {f'm{name}_classes': int((~np.isnan(values)).sum()) for name, values in averaged.items()}
        | dict(aAcc=overall)
    )


def _mean(values: np.ndarray) -> float:
    """The mean of the values that are not NaN; NaN if there are none."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float('nan')

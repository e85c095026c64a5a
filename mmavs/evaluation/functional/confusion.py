"""Dataset-level metrics from one confusion matrix, as pure functions."""

import numpy as np
import torch
from torch import Tensor

ABSENT_CHOICES = ('skip', 'zero')


def confusion_matrix(pred: Tensor, label: Tensor, num_classes: int, ignore_index: int = 255) -> Tensor:
    """Counts pixels: row = label, column = prediction.

    Args:
        pred: Class indices in [0, num_classes), any shape.
        label: Class indices or ``ignore_index``, the same shape.
        num_classes: Number of classes, background included.
        ignore_index: Label of pixels to leave out.

    Returns:
        Tensor: int64 (num_classes, num_classes).

    Raises:
        ValueError: The shapes differ, or a label or prediction is no class.
    """
    if pred.shape != label.shape:
        raise ValueError(f'prediction {tuple(pred.shape)} and label {tuple(label.shape)} differ in shape')
    label = label.flatten().to(torch.int64)
    pred = pred.flatten().to(torch.int64)
    if not label.numel():
        return label.new_zeros(num_classes, num_classes)
    if ignore_index < 0:  # to a row of its own, as others have
        ignored, ignore_index = label == ignore_index, max(num_classes, int(label.amax()) + 1)
        label = label.masked_fill(ignored, ignore_index)
    _check_range('predictions', pred, num_classes, num_classes, ignore_index)
    # One pass counts everything, values that must not occur in rows of their own.
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
    """Refuses values outside [0, end)."""
    low, high = (v.item() for v in values.aminmax())
    if low < 0 or high >= end:
        raise ValueError(
            f'{name} must lie in [0, {num_classes - 1}] (labels may also be {ignore_index}), got values from {low} to '
            f'{high}'
        )


def dataset_level_scores(confusion: np.ndarray, *, beta2: float = 0.3, absent: str = 'skip') -> dict[str, np.ndarray]:
    """IoU, F, FDR and accuracy of each class and over all (Sec. 5.1 and Tables 2, 3 of the paper).

    A class is absent if neither a label nor a prediction has it. F and FDR leave absent classes out; so does mIoU with
    ``absent='skip'``, while ``'zero'`` counts them as 0, as the reference does. A class that has labels but is never
    predicted has F = 0 and no FDR, since nothing was detected.

    Args:
        confusion: (classes, classes), row = label, column = prediction.
        beta2: Weight of precision against recall in F = (1 + b) P R / (b P + R).
        absent: ``'skip'`` or ``'zero'``.

    Returns:
        dict: In [0, 1]: per class ``IoU``, ``F``, ``FDR``, ``Acc`` (recall), NaN where left out, and the overall
        ``mIoU``, ``mF``, ``mFDR``, ``mAcc``, ``aAcc`` (share of all pixels that are right).
    """
    if absent not in ABSENT_CHOICES:
        raise ValueError(f'absent must be one of {", ".join(ABSENT_CHOICES)}, got {absent!r}')
    confusion = np.asarray(confusion, dtype=np.float64)
    hit, labelled, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    with np.errstate(invalid='ignore', divide='ignore'):
        iou = hit / (labelled + predicted - hit)
        # P = hit / predicted and R = hit / labelled put into F; defined wherever the class occurs at all
        f_score = (1 + beta2) * hit / (beta2 * labelled + predicted)
        fdr = 1 - hit / predicted
        recall = hit / labelled
        overall = hit.sum() / confusion.sum()
    counted_iou = np.nan_to_num(iou) if absent == 'zero' else iou
    return dict(
        IoU=iou,
        F=f_score,
        FDR=fdr,
        Acc=recall,
        mIoU=_mean(counted_iou),
        mF=_mean(f_score),
        mFDR=_mean(fdr),
        mAcc=_mean(recall),
        aAcc=overall,
    )


def _mean(values: np.ndarray) -> float:
    """Mean over the classes that count, NaN if none does."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float('nan')

"""Dataset-level metrics in two passes over each image: one for mIoU, one for F and the false detection rate."""

import numpy as np


class PlainMetrics:
    """Reference implementation of ``DatasetLevelMetric``: counts over all images, then means over classes."""

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self.confusion = np.zeros((num_classes, num_classes), dtype=np.int64)
        self.hits = np.zeros(num_classes, dtype=np.int64)
        self.false_positives = np.zeros(num_classes, dtype=np.int64)
        self.false_negatives = np.zeros(num_classes, dtype=np.int64)

    def add(self, pred: np.ndarray, label: np.ndarray) -> None:
        """Counts an image; labels outside the classes are ignored."""
        self._add_confusion(pred, label)
        self._add_detections(pred, label)

    def _add_confusion(self, pred: np.ndarray, label: np.ndarray) -> None:
        known = (label >= 0) & (label < self.num_classes)
        cells = self.num_classes * label[known].astype(int) + pred[known]
        self.confusion += np.bincount(cells, minlength=self.num_classes**2).reshape(self.confusion.shape)

    def _add_detections(self, pred: np.ndarray, label: np.ndarray) -> None:
        known = label < self.num_classes
        for c in range(self.num_classes):
            predicted, labeled = (pred == c) & known, label == c
            self.hits[c] += (predicted & labeled).sum()
            self.false_positives[c] += (predicted & ~labeled).sum()
            self.false_negatives[c] += (~predicted & labeled).sum()

    def result(self, beta2: float = 0.3) -> dict[str, float]:
        """Results in percent."""
        hit = np.diag(self.confusion)
        with np.errstate(invalid='ignore', divide='ignore'):
            iou = hit / (self.confusion.sum(axis=0) + self.confusion.sum(axis=1) - hit)
            detected = self.hits + self.false_positives
            f_score = (1 + beta2) * self.hits / (beta2 * (self.hits + self.false_negatives) + detected)
            fdr = self.false_positives / detected
        return {name: 100 * float(np.nanmean(v)) for name, v in dict(mIoU=iou, mF=f_score, mFDR=fdr).items()}

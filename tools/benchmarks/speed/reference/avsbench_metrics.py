"""J and F of AVSBench's object protocol by a loop over thresholds."""

from collections import defaultdict

import torch
from torch import Tensor

THRESHOLDS = torch.linspace(0, 1 - 1e-10, 255)


def loop_counts(probability: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Reference implementation of ``threshold_counts``: hits (255,), predicted (255,) and labeled () pixels."""
    hits, predicted = torch.zeros(2, len(THRESHOLDS), dtype=torch.int64)
    known, target = label != 255, label == 1
    for i, threshold in enumerate(THRESHOLDS):
        pred = (probability >= threshold) & known
        hits[i], predicted[i] = (pred & target).sum(), pred.sum()
    return hits, predicted, target.sum()


class LoopMetrics:
    """Reference implementation of ``AVSBenchObjectMetric``."""

    def __init__(self) -> None:
        self.jaccards: list[float] = []
        self.curves: dict[str, list[Tensor]] = defaultdict(list)

    def add(self, logits: Tensor, label: Tensor, clip: str) -> None:
        """Scores a frame: (2, H, W) logits and its (H, W) label."""
        probability = logits.softmax(dim=0)[1]
        target, known, pred = label == 1, label != 255, probability > 0.5
        labeled = bool(target.any())
        right = pred & target if labeled else ~pred & known
        union = (pred | target) & known if labeled else known
        self.jaccards.append((right.sum() / union.sum()).item())
        if labeled:
            hits, predicted, count = loop_counts(probability, label)
            precision, recall = hits / predicted, hits / count
            self.curves[clip].append((1.3 * precision * recall / (0.3 * precision + recall)).nan_to_num())

    def result(self) -> dict[str, float]:
        """Results in percent."""
        clips = [torch.stack(curves) for curves in self.curves.values()]
        f_clip = sum(c.mean(dim=0).max().item() for c in clips) / len(clips)
        f_set = torch.cat(clips).mean(dim=0).max().item()
        j = sum(self.jaccards) / len(self.jaccards)
        return {name: 100 * v for name, v in dict(J=j, F_max_per_clip=f_clip, F_max_over_set=f_set).items()}

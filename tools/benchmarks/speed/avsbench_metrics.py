"""J and F of AVSBench's object protocol, from logits."""

from pathlib import Path

import torch
from mmengine.logging import MMLogger

from mmavs.evaluation import foreground_probability, threshold_counts
from mmavs.evaluation.metrics import AVSBenchObjectMetric

from .harness import Case
from .reference.avsbench_metrics import LoopMetrics, loop_counts


def make_avsbench_metrics(tiny: bool, folder: Path) -> Case:
    """J and both F of clips of 5 frames.

    Equal: the pixel counts of every frame at all thresholds, exactly; J and F to two decimals.
    """
    size, count = ((16, 16), 10) if tiny else ((224, 224), 20)
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (count, *size), generator=generator)
    labels[3] = 0
    logits = 2 * torch.randn(count, 2, *size, generator=generator)
    logits.scatter_add_(1, labels[:, None], torch.ones(count, 1, *size))
    clips = [str(i // 5) for i in range(count)]
    samples = [
        dict(seg_logits=dict(data=x), pred_sem_seg=dict(data=x.argmax(dim=0)[None]), gt_sem_seg=dict(data=y[None]))
        | dict(clip=clip)
        for x, y, clip in zip(logits, labels, clips, strict=True)
    ]

    def ours() -> dict[str, float]:
        metric = AVSBenchObjectMetric()
        for sample in samples:
            metric.process({}, [sample])
        return metric.evaluate(count)

    def reference() -> dict[str, float]:
        metric = LoopMetrics()
        for x, y, clip in zip(logits, labels, clips, strict=True):
            metric.add(x, y, clip)
        return metric.result()

    def equal() -> bool:
        for x, y in zip(logits, labels, strict=True):
            own = threshold_counts(foreground_probability(x), y)
            if not all(torch.equal(a, b) for a, b in zip(own, loop_counts(x.softmax(dim=0)[1], y), strict=True)):
                return False
        own, other = ours(), reference()
        return all(abs(own[f'avsbench_object/{name}'] - value) <= 0.00501 for name, value in other.items())

    MMLogger.get_current_instance().setLevel('WARNING')  # logs no line in each round
    return Case(ours, reference, equal, dict(frames=count, size=list(size), clip=5, thresholds=255), units=count)

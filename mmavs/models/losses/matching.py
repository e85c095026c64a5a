"""The audio-visual matching loss of TPAVI (Zhou et al., Audio-Visual Segmentation, ECCV 2022, Eq. 5 and 6)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn


def matching_divergence(audio: Tensor, visual: Tensor, mask: Tensor) -> Tensor:
    """``KL(softmax(a) || softmax(v))`` of each frame, summed over channels.

    ``v`` is the mean over space of mask times feature; both ``a`` and ``v`` are L2-normalized.

    Args:
        audio: (N, C), the audio in the channels of the stage.
        visual: (N, C, h, w), the features of the stage.
        mask: (N, 1, h, w), in [0, 1].

    Returns:
        Tensor: (N,).
    """
    a = F.log_softmax(F.normalize(audio, dim=1), dim=1)
    v = F.log_softmax(F.normalize((mask * visual).mean(dim=(2, 3)), dim=1), dim=1)
    return (a.exp() * (a - v)).sum(dim=1)


@MODELS.register_module()
class AVMatchingLoss(nn.Module):
    """The audio-visual matching loss of TPAVI: compares the features inside the predicted mask with the audio.

    Args:
        reduction: Reduction over frames: ``sum``, as TPAVI on AVSBench MS3, or ``mean`` over the annotated frames, as
            TPAVI on AVSBench-Semantic.
        loss_weight: Factor of the loss.
        loss_name: Its name in the log; begins with ``loss_``.

    Raises:
        ValueError: ``reduction`` is unknown.
    """

    def __init__(self, *, reduction: str = 'mean', loss_weight: float = 0.5, loss_name: str = 'loss_matching') -> None:
        super().__init__()
        if reduction not in ('sum', 'mean'):
            raise ValueError(f"AVMatchingLoss: reduction must be 'sum' or 'mean', got {reduction!r}")
        self.reduction = reduction
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: Tensor, stages: Sequence[tuple[Tensor, Tensor]], annotated: Tensor) -> Tensor:
        """The mean over the stages.

        Args:
            logits: (N, 1 or classes, H, W).
            stages: Features (N, C, h, w) and audio (N, C) of each stage.
            annotated: (N,), bool; other frames are left out.
        """
        logits, losses = logits.float(), []
        for visual, audio in stages:
            mask = predicted_foreground(logits, visual.shape[2:])
            divergence = matching_divergence(audio.float(), visual.float(), mask)
            losses.append(torch.where(annotated, divergence, 0).sum())
        loss = self.loss_weight * torch.stack(losses).mean()
        return loss if self.reduction == 'sum' else loss / annotated.sum().clamp_min(1)


def predicted_foreground(logits: Tensor, size: Sequence[int]) -> Tensor:
    """The predicted mask at the size of a stage: (N, 1, h, w), in [0, 1].

    With one output channel, it is the sigmoid of the pooled logits. With several classes, it is the share of pixels
    that are not background, which has no gradient.
    """
    if logits.shape[1] == 1:
        return F.adaptive_avg_pool2d(logits, size).sigmoid()
    return F.adaptive_avg_pool2d((logits.argmax(dim=1, keepdim=True) > 0).to(logits), size)

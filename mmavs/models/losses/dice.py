import torch
from mmseg.registry import MODELS
from torch import Tensor, nn


def frame_dice(prob: Tensor, target: Tensor, valid: Tensor, *, eps: float = 2e-3) -> Tensor:
    """Dice loss of each frame, ``1 - 2 sum(p g) / (sum p^2 + sum g^2 + eps)``, over its valid pixels.

    Args:
        prob: (N, H, W), probabilities p of the foreground.
        target: (N, H, W), foreground g, 0 or 1.
        valid: (N, H, W), bool, the annotated pixels.
        eps: Avoids a division by zero if both are empty.

    Returns:
        Tensor: (N,).
    """
    prob, target = (prob * valid).flatten(1), (target * valid).flatten(1)
    return 1 - 2 * (prob * target).sum(1) / (prob.square().sum(1) + target.square().sum(1) + eps)


@MODELS.register_module()
class FrameDiceLoss(nn.Module):
    """Dice loss of the foreground, averaged over the annotated frames of a batch; the loss of AVSegFormer.

    mmseg's ``DiceLoss`` also counts ignored pixels and frames without annotation.

    Args:
        eps: See :func:`frame_dice`.
        loss_weight: Factor of the loss.
        loss_name: Its name in the log; begins with ``loss_``.

    Shape:
        - Input: logits (N, 1, H, W) and labels (N, H, W). All classes above 0 are foreground
        - Output: scalar; 0 if no frame is annotated
    """

    def __init__(self, *, eps: float = 2e-3, loss_weight: float = 1.0, loss_name: str = 'loss_dice') -> None:
        super().__init__()
        self.eps = eps
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = 255,
        **kwargs,
    ) -> Tensor:
        """Arguments as in mmseg's losses; ``weight`` (N, H, W) is not supported.

        Raises:
            ValueError: There is not exactly one logit for each pixel, or ``weight`` is given.
        """
        if cls_score.shape[1] != 1:
            raise ValueError(
                f'FrameDiceLoss needs one logit for each pixel, got {cls_score.shape[1]}: set out_channels=1 and '
                'num_classes=2 in model.decode_head, or use CrossEntropyLoss for several classes'
            )
        if weight is not None:
            raise ValueError('FrameDiceLoss takes no pixel weights: remove `sampler` from model.decode_head')
        valid = label != ignore_index
        annotated = valid.flatten(1).any(1)
        prob = cls_score[:, 0].float().sigmoid()
        loss = frame_dice(prob, ((label > 0) & valid).to(prob), valid, eps=self.eps)
        return self.loss_weight * torch.where(annotated, loss, 0).sum() / annotated.sum().clamp_min(1)

"""Repairs of mmseg's losses, for ignored pixels and for installations without compiled operators.

Each repair acts only where mmseg fails or reads beyond its weights. All other results are mmseg's own, bit for bit.
"""

import functools
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import torch.nn.functional as F
from torch import Tensor


def apply() -> None:
    """Applies the repairs, each once."""
    cross_entropy = import_module('mmseg.models.losses.cross_entropy_loss')
    if not hasattr(cross_entropy.cross_entropy, '__wrapped__'):
        cross_entropy.cross_entropy = _average_over_weights(cross_entropy.cross_entropy)
    focal = import_module('mmseg.models.losses.focal_loss').FocalLoss
    if not hasattr(focal.forward, '__wrapped__'):
        focal.forward = _accept_class_indices(focal.forward)


def _average_over_weights(cross_entropy: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """With class weights, mmseg averages over the weights of the labels and indexes them with ``ignore_index`` as well.

    An ``ignore_index`` outside the classes, such as 255, is out of range there. Ignored pixels then get the weight 0
    with ``avg_non_ignore`` and 1 without, so that class weights of 1 give the loss without class weights.
    """

    @functools.wraps(cross_entropy)
    def forward(pred, label, weight=None, class_weight=None, reduction='mean', avg_factor=None, **kwargs):
        ignore_index = kwargs.get('ignore_index', -100)
        if (
            class_weight is not None
            and avg_factor is None
            and reduction == 'mean'
            and len(class_weight) == pred.shape[1]
            and not -len(class_weight) <= ignore_index < len(class_weight)
        ):
            # Labels that are no class are clamped here and refused by torch's cross entropy.
            weights = class_weight[label.clamp(0, len(class_weight) - 1)]
            weights = weights.masked_fill(label == ignore_index, 0.0 if kwargs.get('avg_non_ignore') else 1.0)
            avg_factor = weights.sum()
        return cross_entropy(pred, label, weight, class_weight, reduction, avg_factor, **kwargs)

    return forward


def _accept_class_indices(focal: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """On class indices mmseg's ``FocalLoss`` needs a compiled operator on a GPU, and fails on a CPU.

    On a CPU it selects a single column of the one-hot labels, whose shape differs from that of the prediction. Here the
    loss is computed without the operator, by mmseg's own formula for one-hot labels.
    """

    @functools.wraps(focal)
    def forward(self, pred, target, weight=None, avg_factor=None, reduction_override=None, ignore_index=255, **kwargs):
        compiled = pred.is_cuda and find_spec('mmcv._ext') is not None
        if pred.shape == target.shape or compiled:
            return focal(self, pred, target, weight, avg_factor, reduction_override, ignore_index, **kwargs)
        ignored, channels = target == ignore_index, pred.shape[1]
        one_hot = F.one_hot(target.masked_fill(ignored, 0), max(channels, 2))[..., -channels:]
        reduction = reduction_override or self.reduction
        loss = import_module('mmseg.models.losses.focal_loss').py_sigmoid_focal_loss(
            pred.movedim(1, -1).reshape(-1, channels),
            one_hot.reshape(-1, channels),
            weight=None if weight is None else weight.reshape(-1),
            gamma=self.gamma,
            alpha=self.alpha,
            class_weight=self.class_weight,
            valid_mask=~ignored.reshape(-1, 1),
            reduction=reduction,
            avg_factor=avg_factor,
        )
        if reduction == 'none':
            loss = loss.reshape(*target.shape, channels).movedim(-1, 1)
        return self.loss_weight * loss

    return forward

"""Repairs of mmseg's losses, for ignored pixels and for installations without compiled operators.

A repair has an effect only where mmseg fails or reads beyond its weights. All other results are bit-identical to
mmseg's.
"""

import functools
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import torch.nn.functional as F
from torch import Tensor


def apply() -> None:
    """Applies each repair once."""
    cross_entropy = import_module('mmseg.models.losses.cross_entropy_loss')
    if not hasattr(cross_entropy.cross_entropy, '__wrapped__'):
        cross_entropy.cross_entropy = _average_over_weights(cross_entropy.cross_entropy)
    focal = import_module('mmseg.models.losses.focal_loss').FocalLoss
    if not hasattr(focal.forward, '__wrapped__'):
        focal.forward = _accept_class_indices(focal.forward)


def _average_over_weights(cross_entropy: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Makes mmseg's ``cross_entropy`` support class weights with an ``ignore_index`` that is not a class index.

    mmseg averages over the class weights of all labels, and its lookup fails for an ``ignore_index`` such as 255. Here
    ignored pixels get the weight 0 with ``avg_non_ignore`` and 1 without. Class weights of 1 then give the same loss as
    no class weights.
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
            # Invalid labels are clamped here; torch's cross entropy raises an error for them.
            weights = class_weight[label.clamp(0, len(class_weight) - 1)]
            weights = weights.masked_fill(label == ignore_index, 0.0 if kwargs.get('avg_non_ignore') else 1.0)
            avg_factor = weights.sum()
        return cross_entropy(pred, label, weight, class_weight, reduction, avg_factor, **kwargs)

    return forward


def _accept_class_indices(focal: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Makes mmseg's ``FocalLoss`` support class indices without its compiled operator.

    mmseg needs the operator on a GPU. On a CPU it fails, since it selects a single column of the one-hot labels, whose
    shape differs from that of the prediction. Here mmseg's formula for one-hot labels is used.
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

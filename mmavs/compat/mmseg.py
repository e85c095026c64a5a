"""Repairs of mmseg's losses: what they need to work on any mask and without compiled operators.

Losses whose repair is not needed are computed by mmseg as before.
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
    """With class weights, mmseg looks up the weight of ignored pixels too, number 255 of a few.

    Their weight is 0, or 1 without ``avg_non_ignore``: equal weights of 1 then change nothing.
    """

    @functools.wraps(cross_entropy)
    def forward(pred, label, weight=None, class_weight=None, reduction='mean', avg_factor=None, **kwargs):
        if class_weight is not None and avg_factor is None and reduction == 'mean':
            ignored = label == kwargs.get('ignore_index', -100)
            weights = class_weight[label.masked_fill(ignored, 0)]
            avg_factor = weights.masked_fill(ignored, 0.0 if kwargs.get('avg_non_ignore') else 1.0).sum()
        return cross_entropy(pred, label, weight, class_weight, reduction, avg_factor, **kwargs)

    return forward


def _accept_class_indices(focal: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """On class indices mmseg's ``FocalLoss`` needs a compiled operator, and on a CPU it takes the wrong column of them.

    Computed here without the operator, from mmseg's own formula for one-hot labels.
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

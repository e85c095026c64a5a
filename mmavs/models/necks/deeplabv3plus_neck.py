from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule, build_norm_layer
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ..full_precision import full_precision


class ASPP(nn.Module):
    """Atrous spatial pyramid with one normalization over all branches and a global-average branch added to them.

    Args:
        in_channels: Channels of the input.
        channels: Channels of each branch and of the output.
        dilations: Rate of each branch; 1 is a 1x1 convolution, others are 3x3.
        norm_cfg: Normalisation layer.

    Shape:
        - Input: (B, in_channels, H, W)
        - Output: (B, channels, H, W)
    """

    def __init__(self, in_channels: int, channels: int, dilations: Sequence[int], norm_cfg: dict) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(in_channels, channels, 1, bias=False)
            if d == 1
            else nn.Conv2d(in_channels, channels, 3, padding=d, dilation=d, bias=False)
            for d in dilations
        )
        self.branch_norm = build_norm_layer(norm_cfg, channels * len(dilations))[1]
        self.reduce = nn.Conv2d(channels * len(dilations), channels, 1, bias=False)
        self.pool_conv = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.pool_norm = build_norm_layer(norm_cfg, channels)[1]
        self.pool_reduce = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = build_norm_layer(norm_cfg, channels)[1]

    def forward(self, x: Tensor) -> Tensor:
        """Adds the local branches and the global-average branch."""
        local = self.branch_norm(torch.cat([branch(x) for branch in self.branches], dim=1))
        local = self.reduce(F.leaky_relu(local, 0.01, inplace=True))
        with full_precision(x):
            pooled = x.mean(dim=(2, 3), keepdim=True).to(self.pool_conv.weight.dtype)
            pooled = self.pool_norm(self.pool_conv(pooled))
            pooled = self.pool_reduce(F.leaky_relu(pooled, 0.01, inplace=True))
        return F.leaky_relu(self.norm(local + pooled), 0.01, inplace=True)

    def fold_norms(self) -> None:
        """Folds the normalizations into the convolutions before them, for inference.

        The first norm is divided among the branches. The last is folded into both summands; its shift is added to one.
        """
        for branch, *statistics in zip(
            self.branches, *(t.chunk(len(self.branches)) for t in _statistics(self.branch_norm)), strict=True
        ):
            _fold(branch, *statistics, self.branch_norm.eps)
        _fold(self.pool_conv, *_statistics(self.pool_norm), self.pool_norm.eps)
        mean, var, weight, bias = _statistics(self.norm)
        _fold(self.reduce, mean, var, weight, bias, self.norm.eps)
        _fold(self.pool_reduce, torch.zeros_like(mean), var, weight, torch.zeros_like(bias), self.norm.eps)
        self.branch_norm = self.pool_norm = self.norm = nn.Identity()


def _statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return norm.running_mean, norm.running_var, norm.weight, norm.bias


def _fold(conv: nn.Conv2d, mean: Tensor, var: Tensor, weight: Tensor, bias: Tensor, eps: float) -> None:
    conv.weight, conv.bias = fuse_conv_bn_weights(conv.weight, conv.bias, mean, var, eps, weight, bias)


@MODELS.register_module()
class DeepLabV3PlusNeck(BaseModule):
    """The feature part of DeepLabV3+, before its classifier: where CAVP fuses the audio.

    Args:
        in_channels: Channels of the backbone's first and last stage.
        in_index: Indices of these two among the outputs of the backbone.
        channels: Channels of the ASPP.
        low_level_channels: Channels to which the first stage is reduced.
        dilations: Rates of the ASPP.
        norm_cfg: Normalisation layer.
        init_cfg: As in mmengine.

    Shape:
        - Input: the backbone's outputs
        - Output: one map (B, channels + low_level_channels, H1, W1), of the first stage's size
    """

    def __init__(
        self,
        in_channels: tuple[int, int] = (256, 2048),
        in_index: tuple[int, int] = (0, -1),
        channels: int = 256,
        low_level_channels: int = 48,
        dilations: Sequence[int] = (1, 6, 12, 18),
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Kaiming', layer='Conv2d'))
        norm_cfg = norm_cfg or dict(type='BN')
        self.in_index = tuple(in_index)
        self.out_channels = channels + low_level_channels
        self.aspp = ASPP(in_channels[1], channels, dilations, norm_cfg)
        self.low_level = ConvModule(in_channels[0], low_level_channels, 1, norm_cfg=norm_cfg)

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor]:
        """Concatenates the context of the last stage with the details of the first."""
        low_level = self.low_level(inputs[self.in_index[0]])
        context = self.aspp(inputs[self.in_index[1]])
        context = F.interpolate(context, size=low_level.shape[2:], mode='bilinear', align_corners=True)
        return (torch.cat([context, low_level], dim=1),)

from collections.abc import Sequence
from itertools import accumulate

import torch
from mmcv.cnn.bricks.transformer import BaseTransformerLayer
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn

from ..device_copy import copy_to_device
from .sine_position import sine_position


class DeformableEncoder(BaseModule):
    """Transformer encoder with multi-scale deformable attention (Zhu et al., Deformable DETR, ICLR 2021).

    The attention is mmcv's module. Without mmcv's compiled operator it is computed by torch operations, also on a GPU;
    see ``mmavs/compat/mmcv.py``.

    Args:
        channels: Channels C of all levels.
        num_levels: Number of levels.
        num_layers: Number of layers.
        num_heads: Attention heads.
        num_points: Sampling points of each head on each level.
        ffn_channels: Hidden channels of the MLP of a layer.
        dropout: Dropout of attention and MLP.

    Shape:
        - Input: levels (B, C, h_i, w_i)
        - Output: levels of the same shapes
    """

    def __init__(
        self,
        channels: int = 256,
        num_levels: int = 3,
        *,
        num_layers: int = 6,
        num_heads: int = 8,
        num_points: int = 4,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.level_embed = nn.Parameter(torch.empty(num_levels, channels).normal_())
        attention = dict(
            type='MultiScaleDeformableAttention',
            embed_dims=channels,
            num_heads=num_heads,
            num_levels=num_levels,
            num_points=num_points,
            dropout=dropout,
            batch_first=True,
        )
        self.layers = ModuleList(
            BaseTransformerLayer(
                attn_cfgs=attention,
                ffn_cfgs=ffn_config(channels, ffn_channels, dropout),
                operation_order=('self_attn', 'norm', 'ffn', 'norm'),
                batch_first=True,
            )
            for _ in range(num_layers)
        )

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Attends within and between the levels."""
        sizes = [tuple(level.shape[2:]) for level in levels]
        lengths = [height * width for height, width in sizes]
        position = [
            sine_position(size, levels[0].shape[1], levels[0]) + embed
            for size, embed in zip(sizes, self.level_embed, strict=True)
        ]
        x = torch.cat([level.flatten(2).transpose(1, 2) for level in levels], dim=1)  # (B, N, C)
        arguments = dict(
            query_pos=torch.cat(position)[None],
            reference_points=cell_centers(sizes, x)[None, :, None].expand(len(x), -1, len(sizes), -1),
            spatial_shapes=copy_to_device(sizes, x.device),
            level_start_index=copy_to_device([0, *accumulate(lengths[:-1])], x.device),
        )
        for layer in self.layers:
            x = layer(x, **arguments)
        parts = x.transpose(1, 2).split(lengths, dim=2)
        return [part.unflatten(2, size) for part, size in zip(parts, sizes, strict=True)]


def cell_centers(sizes: Sequence[tuple[int, int]], like: Tensor) -> Tensor:
    """Centers (x, y) of the cells of all levels, in fractions of the image: (N, 2)."""
    centers = []
    for size in sizes:
        rows, columns = ((torch.arange(n, device=like.device, dtype=like.dtype) + 0.5) / n for n in size)
        y, x = torch.meshgrid(rows, columns, indexing='ij')
        centers.append(torch.stack([x, y], dim=-1).flatten(0, 1))
    return torch.cat(centers)


def ffn_config(channels: int, hidden_channels: int, dropout: float) -> dict:
    """Config of mmcv's two-layer MLP with residual and GELU."""
    return dict(
        type='FFN',
        embed_dims=channels,
        feedforward_channels=hidden_channels,
        num_fcs=2,
        ffn_drop=dropout,
        act_cfg=dict(type='GELU'),
    )

from mmcv.cnn.bricks.transformer import BaseTransformerLayer
from mmengine.model import BaseModule, ModuleList
from torch import Tensor

from .deformable_encoder import ffn_config


class QueryDecoder(BaseModule):
    """Transformer decoder: self-attention of the queries, attention to a memory, MLP; post-norm.

    Args:
        channels: Channels C of queries and memory.
        num_layers: Number of layers.
        num_heads: Attention heads.
        ffn_channels: Hidden channels of the MLP of a layer.
        dropout: Dropout of attention and MLP.
        bias: Adds biases to the projections of the attention.

    Shape:
        - Input: queries (B, Q, C) and memory (B, N, C)
        - Output: (B, Q, C)
    """

    def __init__(
        self,
        channels: int = 256,
        *,
        num_layers: int = 6,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        attention = dict(
            type='MultiheadAttention',
            embed_dims=channels,
            num_heads=num_heads,
            attn_drop=dropout,
            proj_drop=dropout,
            batch_first=True,
            bias=bias,
        )
        self.layers = ModuleList(
            BaseTransformerLayer(
                attn_cfgs=attention,
                ffn_cfgs=ffn_config(channels, ffn_channels, dropout),
                operation_order=('self_attn', 'norm', 'cross_attn', 'norm', 'ffn', 'norm'),
                batch_first=True,
            )
            for _ in range(num_layers)
        )

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Refines the queries."""
        for layer in self.layers:
            queries = layer(queries, memory, memory)
        return queries

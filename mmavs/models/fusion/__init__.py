from .cross_attention import CrossAttention
from .cross_attention_fusion import CrossAttentionFusion
from .folded_cross_attention import FoldedCrossAttention

__all__ = ['CrossAttention', 'CrossAttentionFusion', 'FoldedCrossAttention']

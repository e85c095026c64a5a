from .cross_attention import CrossAttention
from .cross_attention_fusion import CrossAttentionFusion

__all__ = ['CrossAttention', 'CrossAttentionFusion']

from .avsegformer import AVSegFormerFusion
from .cross_attention import CrossAttention
from .cross_attention_fusion import CrossAttentionFusion
from .folded_cross_attention import FoldedCrossAttention
from .tpavi import TPAVIBlock, TPAVIFusion

__all__ = [
    'AVSegFormerFusion',
    'CrossAttention',
    'CrossAttentionFusion',
    'FoldedCrossAttention',
    'TPAVIBlock',
    'TPAVIFusion',
]

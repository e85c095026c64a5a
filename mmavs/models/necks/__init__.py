from .cross_attention import CrossAttention
from .cross_attention_fusion import CrossAttentionFusion
from .deeplabv3plus_neck import DeepLabV3PlusNeck

__all__ = ['CrossAttention', 'CrossAttentionFusion', 'DeepLabV3PlusNeck']

from .audio_backbones import AudioResNet, VGGish
from .data_preprocessor import AVDataPreProcessor
from .fold_batch_norm import fold_batch_norm
from .fusion import CrossAttentionFusion
from .losses import CAVPLoss, OriginalPairsLoss, SupConLoss
from .necks import DeepLabV3PlusNeck
from .segmentors import AVCascadeEncoderDecoder, AVEncoderDecoder, AVSegTTAModel

__all__ = [
    'AVCascadeEncoderDecoder',
    'AVDataPreProcessor',
    'AVEncoderDecoder',
    'AVSegTTAModel',
    'AudioResNet',
    'CAVPLoss',
    'CrossAttentionFusion',
    'DeepLabV3PlusNeck',
    'OriginalPairsLoss',
    'SupConLoss',
    'VGGish',
    'fold_batch_norm',
]

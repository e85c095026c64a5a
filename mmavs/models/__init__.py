from .audio_backbones import AudioResNet, VGGish
from .data_preprocessor import AVDataPreProcessor
from .decode_heads import AVSegFormerHead, TPAVIHead
from .fold_batch_norm import fold_batch_norm
from .fusion import AVSegFormerFusion, CrossAttentionFusion, TPAVIFusion
from .losses import AVMatchingLoss, CAVPLoss, FrameDiceLoss, OriginalPairsLoss, SupConLoss
from .necks import DeepLabV3PlusNeck, TPAVINeck
from .segmentors import AVCascadeEncoderDecoder, AVEncoderDecoder, AVSegTTAModel

__all__ = [
    'AVCascadeEncoderDecoder',
    'AVDataPreProcessor',
    'AVEncoderDecoder',
    'AVMatchingLoss',
    'AVSegFormerFusion',
    'AVSegFormerHead',
    'AVSegTTAModel',
    'AudioResNet',
    'CAVPLoss',
    'CrossAttentionFusion',
    'DeepLabV3PlusNeck',
    'FrameDiceLoss',
    'OriginalPairsLoss',
    'SupConLoss',
    'TPAVIFusion',
    'TPAVIHead',
    'TPAVINeck',
    'VGGish',
    'fold_batch_norm',
]

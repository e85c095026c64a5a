from .av_encoder_decoder import AVEncoderDecoder
from .av_seg_tta import AVSegTTAModel

__all__ = ['AVEncoderDecoder', 'AVSegTTAModel']

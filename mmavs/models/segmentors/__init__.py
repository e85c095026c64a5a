from .av_cascade_encoder_decoder import AVCascadeEncoderDecoder
from .av_encoder_decoder import AVEncoderDecoder
from .av_seg_tta import AVSegTTAModel

__all__ = ['AVCascadeEncoderDecoder', 'AVEncoderDecoder', 'AVSegTTAModel']

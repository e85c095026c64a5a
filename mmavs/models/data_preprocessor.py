from typing import Any

import torch
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from mmavs.audio.log_mel import LogMel


@MODELS.register_module()
class AVDataPreProcessor(SegDataPreProcessor):
    """mmseg's ``SegDataPreProcessor`` that also turns the waveforms into log-mel spectrograms.

    Args:
        num_frames: Frames of the spectrogram, see :class:`LogMel`.
        kwargs: Those of ``SegDataPreProcessor``. ``test_cfg=dict(size=(height, width))`` is the least size at test: it
            pads smaller images on the right and below, and predictions keep the images' own sizes. SegFormer and
            ConvNeXt need 32 x 32.
    """

    def __init__(self, num_frames: int = 300, **kwargs) -> None:
        super().__init__(**kwargs)
        self.log_mel = LogMel(num_frames)

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Batches a list of samples.

        Args:
            data: ``inputs`` with ``img`` (list of (3, H, W)) and ``audio`` (list of (channels, samples)), and
                ``data_samples``.
            training: Pads images and labels to ``size``; else images to ``test_cfg``.

        Returns:
            dict: ``inputs`` with ``img`` (B, 3, H, W) and ``audio`` (B, channels, frames, mels), and ``data_samples``:
            those that came in, or, if none did and ``test_cfg`` is set, new ones that tell how images are padded.
        """
        inputs = data['inputs']
        if not isinstance(inputs, dict) or not {'img', 'audio'} <= set(inputs):
            raise TypeError(
                'AVDataPreProcessor needs inputs = dict(img=..., audio=...): end the pipeline with '
                f'PackAVSegInputs. Got {type(inputs).__name__}'
            )
        shapes = {tuple(a.shape) for a in inputs['audio']}
        if len(shapes) > 1:
            raise ValueError(f'the waveforms of a batch differ in shape (channels, samples): {sorted(shapes)}')
        data = dict(data, inputs=inputs['img'])
        if self.test_cfg and not training and data.get('data_samples') is None:
            data['data_samples'] = [_sample_of(img) for img in inputs['img']]
        result = super().forward(data, training)
        audio = self.cast_data(torch.stack(list(inputs['audio'])))
        result['inputs'] = dict(img=result['inputs'], audio=self.log_mel(audio))
        return result


def _sample_of(img: Tensor) -> SegDataSample:
    size = tuple(img.shape[1:])
    return SegDataSample(metainfo=dict(ori_shape=size, img_shape=size))

from typing import Any

import torch
import torchaudio.functional as AF
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmavs.audio import LogMelSpec


class LogMel(nn.Module):
    """Log-mel spectrogram of a batch of waveforms, on their device.

    Power spectrogram, mel bands, 20 * log10(max(x, floor)), divided by ``scale``: silence is -1.

    Args:
        num_frames: Frames to keep, from the first: 300 of 3 s (VPO), 96 of 1 s (AVSBench).
        spec: Window, bands and scaling.

    Shape:
        - Input: (B, channels, samples), full scale in [-1, 1]
        - Output: (B, channels, num_frames, n_mels), float32
    """

    def __init__(self, num_frames: int, spec: LogMelSpec | None = None) -> None:
        super().__init__()
        self.num_frames = num_frames
        self.spec = spec = spec or LogMelSpec()
        filters = AF.melscale_fbanks(spec.n_fft // 2 + 1, spec.f_min, spec.f_max, spec.n_mels, spec.sample_rate)
        self.register_buffer('window', torch.hann_window(spec.win_length), persistent=False)
        self.register_buffer('filters', filters, persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, channels, samples) -> (B, channels, num_frames, n_mels)."""
        spec = self.spec
        if spec.max_frames(waveform.shape[-1]) < self.num_frames:
            raise ValueError(
                f'{self.num_frames} frames need {(self.num_frames - 1) * spec.hop_length} samples or '
                f'more, got {waveform.shape[-1]}: make `duration` of LoadAudio and `num_frames` of '
                'AVDataPreProcessor agree'
            )
        with torch.autocast(waveform.device.type, enabled=False):
            # Real part squared plus imaginary part squared: the power without a root that is squared again.
            spectrum = AF.spectrogram(
                waveform.float(),
                pad=0,
                window=self.window,
                n_fft=spec.n_fft,
                hop_length=spec.hop_length,
                win_length=spec.win_length,
                power=None,
                normalized=False,
            )
            power = torch.view_as_real(spectrum).square().sum(dim=-1)
            mel = power[..., : self.num_frames].transpose(-1, -2) @ self.filters
            return mel.clamp_min(spec.floor).log10() * (20 / spec.scale)


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

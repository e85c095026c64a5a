import torch
import torchaudio.functional as AF
from torch import Tensor, nn

from .spec import LogMelSpec


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

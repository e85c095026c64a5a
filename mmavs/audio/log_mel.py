import torch
import torchaudio.functional as AF
from torch import Tensor, nn

from .spec import LogMelSpec


class LogMel(nn.Module):
    """Log-mel spectrogram of a batch of waveforms, on their device.

    Power spectrogram, mel bands, 20 * log10(max(x, floor)), divided by ``scale``. Silence is -1.

    Args:
        spec: Window, bands and scaling.

    Shape:
        - Input: (B, channels, samples), full scale in [-1, 1]
        - Output: (B, channels, samples // hop_length, n_mels), float32
    """

    def __init__(self, spec: LogMelSpec | None = None) -> None:
        super().__init__()
        self.spec = spec = spec or LogMelSpec()
        filters = AF.melscale_fbanks(spec.n_fft // 2 + 1, spec.f_min, spec.f_max, spec.n_mels, spec.sample_rate)
        self.register_buffer('window', torch.hann_window(spec.win_length), persistent=False)
        self.register_buffer('filters', filters, persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, channels, samples) -> (B, channels, samples // hop_length, n_mels).

        Raises:
            ValueError: The waveform is shorter than a frame, or than the padding of half a window.
        """
        spec = self.spec
        num_samples = waveform.shape[-1]
        if num_samples <= max(spec.hop_length, spec.n_fft // 2):
            raise ValueError(
                f'a log-mel spectrogram needs more than {max(spec.hop_length, spec.n_fft // 2)} samples of audio, got '
                f'{num_samples}: increase `duration` of LoadAudio'
            )
        with torch.autocast(waveform.device.type, enabled=False):
            # The power as the sum of squares of real and imaginary part avoids a square root.
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
            mel = power[..., : spec.num_frames(num_samples)].transpose(-1, -2) @ self.filters
            return mel.clamp_min(spec.floor).log10() * (20 / spec.scale)


def append_level_difference(log_mel: Tensor) -> Tensor:
    """Appends left minus right to the log-mel spectrograms of stereo audio.

    A source panned to alpha has the levels (1 - alpha) and alpha on the two channels, so the difference is the
    same in all of its cells and independent of its level. If a channel is silent, its level is the floor.

    Args:
        log_mel: (B, 2, frames, mels), of left and right, in [-1, 1].

    Returns:
        Tensor: (B, 3, frames, mels); the third channel is in [-2, 2].

    Raises:
        ValueError: The spectrograms do not have two channels.
    """
    if log_mel.shape[1] != 2:
        raise ValueError(
            'model.data_preprocessor.level_difference=True needs stereo audio, but it has '
            f'{log_mel.shape[1]} channels: set channels=2 of LoadAudio in the pipelines, or level_difference=False'
        )
    return torch.cat([log_mel, log_mel[:, :1] - log_mel[:, 1:]], dim=1)

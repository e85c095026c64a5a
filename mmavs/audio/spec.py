"""The audio constants: sample rate and parameters of the log-mel spectrogram."""

import math
from dataclasses import dataclass

SAMPLE_RATE = 16000
"""Rate, in Hz, at which every waveform enters the model."""


@dataclass(frozen=True)
class LogMelSpec:
    """Parameters of the log-mel spectrogram (those of VGGish, except for the frequency range).

    Attributes:
        sample_rate: Hz.
        n_fft: Samples of one transform.
        win_length: Samples of the Hann window.
        hop_length: Samples between two frames.
        n_mels: Mel bands.
        f_min: Lower edge of the first band, Hz.
        f_max: Upper edge of the last band, Hz.
        floor: Lower bound of the power.
        scale: Decibels that become 1 in the network's input.
    """

    sample_rate: int = SAMPLE_RATE
    n_fft: int = 512
    win_length: int = 400
    hop_length: int = 160
    n_mels: int = 64
    f_min: float = 125.0
    f_max: float = 3800.0
    floor: float = 1e-5
    scale: float = 100.0

    def num_frames(self, num_samples: int) -> int:
        """Frames of the spectrogram of ``num_samples``: 300 of 3 s, 100 of 1 s.

        A centered transform gives one frame more. It is left out, since its window is centered at or after the end.
        """
        return num_samples // self.hop_length


def seconds_to_samples(seconds: float, sample_rate: int = SAMPLE_RATE) -> int:
    """Length of a clip in samples, at least one."""
    return max(1, math.floor(seconds * sample_rate + 0.5))

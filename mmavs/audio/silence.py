"""Detection of silent audio. Does not need torch."""

from typing import Any

import numpy as np

SILENT_PEAK = 2**-15
"""The smallest step of 16-bit audio, where full scale is 1."""


def is_silent(waveform: Any) -> bool:
    """True if the peak of a waveform is below :data:`SILENT_PEAK` after its mean is subtracted.

    A constant offset is therefore silent.

    Args:
        waveform: float array or tensor of shape (samples,) or (channels, samples), full scale in [-1, 1]. The mean of
            each channel is subtracted. An empty waveform is silent.
    """
    if 0 in waveform.shape:
        return True
    return bool(abs(waveform - waveform.mean(-1)[..., None]).max() < SILENT_PEAK)


class Deviation:
    """Largest deviation of a signal from its mean, from its blocks; channels averaged, as for training."""

    def __init__(self) -> None:
        self._count, self._sum, self._low, self._high = 0, 0.0, np.inf, -np.inf

    def add(self, block: np.ndarray) -> None:
        """Adds a block (samples,) or (samples, channels)."""
        mono = block if block.ndim == 1 else block.mean(axis=1)
        if len(mono):
            self._count, self._sum = self._count + len(mono), self._sum + float(mono.sum(dtype=np.float64))
            self._low, self._high = min(self._low, float(mono.min())), max(self._high, float(mono.max()))

    @property
    def peak(self) -> float:
        """The deviation; 0 without samples."""
        mean = self._sum / self._count if self._count else 0.0
        return max(self._high - mean, mean - self._low) if self._count else 0.0

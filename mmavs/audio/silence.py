"""Detection of silent audio. Needs no torch."""

from typing import Any

SILENT_PEAK = 2**-15
"""The smallest step of 16-bit audio, where full scale is 1."""


def is_silent(waveform: Any) -> bool:
    """Whether a waveform holds no audible signal: its peak is below :data:`SILENT_PEAK` without its mean.

    A constant offset is silent, therefore.

    Args:
        waveform: float array or tensor of shape (samples,) or (channels, samples), full scale in [-1, 1]. The mean of
            each channel is subtracted. An empty waveform is silent.
    """
    if 0 in waveform.shape:
        return True
    return bool(abs(waveform - waveform.mean(-1)[..., None]).max() < SILENT_PEAK)

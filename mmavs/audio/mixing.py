"""Panning and mixing of the sources of a sample (Sec. 3 of the paper)."""

from collections.abc import Sequence
from numbers import Real

import torch
from torch import Tensor


def is_position(value: object) -> bool:
    """True if a value is a valid position of a source, a number in [0, 1]."""
    return isinstance(value, Real) and 0 <= value <= 1


def pan(waveform: Tensor, position: float) -> Tensor:
    """Pans a mono waveform: left = w * (1 - alpha), right = w * alpha (Fig. 3 of the paper).

    Args:
        waveform: (samples,).
        position: alpha, 0 at the left edge of the image and 1 at the right.

    Returns:
        Tensor: (2, samples).
    """
    if not is_position(position):
        raise ValueError(f'the position of a source must lie in [0, 1], got {position}')
    return torch.stack([waveform * (1 - position), waveform * position])


def mix_sources(waveforms: Sequence[Tensor], positions: Sequence[float], *, channels: int = 2) -> Tensor:
    """Pans the sources of a sample and adds them.

    Args:
        waveforms: One of shape (samples,) per source, all of the same length. A stereo waveform, (2, samples), is
            added without panning.
        positions: Position of each source in [0, 1]. Not used for mono output and for stereo waveforms.
        channels: 2 pans each source to its position, 1 adds the mono waveforms.

    Returns:
        Tensor: (channels, samples).
    """
    if len(waveforms) != len(positions) or not waveforms:
        raise ValueError(
            f'need as many positions as waveforms and at least one, got {len(positions)} and {len(waveforms)}'
        )
    if channels == 1:
        return sum(waveforms).unsqueeze(0)
    return sum(w if w.ndim == 2 else pan(w, p) for w, p in zip(waveforms, positions, strict=True))

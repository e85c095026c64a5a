"""Selection of the part of a recording that a sample uses. Does not need torch."""

import numpy as np

EXCERPT_CHOICES = ('middle', 'loudest')
_SAME = 1e-6  # relative difference up to which energies count as equal


def middle_start(length: int, num_samples: int) -> int:
    """First sample of the middle ``num_samples`` of ``length`` samples."""
    return (length - num_samples) // 2


def loudest_start(waveform: np.ndarray, num_samples: int) -> int:
    """First sample of the window with the largest energy.

    The mean of each window is subtracted first, so that a constant offset has no energy. Of windows with equal energy,
    the one closest to the middle is selected.

    Args:
        waveform: float array of shape (samples,) or (channels, samples). The energies of the channels are added.
        num_samples: Length of the window, at most ``samples``.
    """
    channels = np.atleast_2d(waveform).astype(np.float64)
    channels -= channels.mean(axis=-1, keepdims=True)  # keeps the difference below accurate if the offset is large
    energy = sum(_window_sums(c * c, num_samples) - _window_sums(c, num_samples) ** 2 / num_samples for c in channels)
    loudest = np.flatnonzero(energy >= energy.max() * (1 - _SAME))
    return int(loudest[np.argmin(abs(loudest - middle_start(channels.shape[-1], num_samples)))])


def _window_sums(values: np.ndarray, count: int) -> np.ndarray:
    """Sum of every ``count`` consecutive values."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return sums[count:] - sums[:-count]

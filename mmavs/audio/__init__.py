"""Audio: constants, reading, mixing and the log-mel spectrogram. Importing this package does not import torch."""

from .spec import SAMPLE_RATE, LogMelSpec, seconds_to_samples

__all__ = ['SAMPLE_RATE', 'LogMelSpec', 'seconds_to_samples']

"""Reading the wanted seconds of a recording at the wanted rate."""

import math
from functools import lru_cache

import torch
from torch import Tensor
from torchaudio.transforms import Resample

from .audio_file import open_audio, rate_ratio, read_frames, too_short_error
from .spec import SAMPLE_RATE

MISSING_CHOICES = ('error', 'silence')


@lru_cache(maxsize=8)
def _resampler(orig: int, new: int) -> Resample:
    """Its kernel costs half as much as resampling a clip, hence the cache."""
    return Resample(orig, new)


def fit_length(waveform: Tensor, num_samples: int) -> Tensor:
    """Brings a waveform to a length: its middle if it is longer, repeated as a whole from its start if shorter.

    Args:
        waveform: (..., samples), at least one sample.
        num_samples: The wanted length.

    Returns:
        Tensor: (..., num_samples).
    """
    length = waveform.shape[-1]
    if length >= num_samples:
        start = (length - num_samples) // 2
        return waveform[..., start : start + num_samples]
    repeats = math.ceil(num_samples / length)
    return waveform.repeat(*[1] * (waveform.ndim - 1), repeats)[..., :num_samples]


def read_clip(
    path: str,
    *,
    num_samples: int,
    sample_rate: int = SAMPLE_RATE,
    start: float | None = None,
    missing: str = MISSING_CHOICES[0],
) -> Tensor:
    """Reads a part of a recording, mono, at the wanted rate.

    Only the frames that the result depends on are read and resampled; the result equals that of resampling the whole
    file and taking the part.

    Args:
        path: The recording, any rate and any number of channels (which are averaged).
        num_samples: Samples wanted, at ``sample_rate``.
        sample_rate: Hz.
        start: Where the part begins, in seconds. None for the middle of the recording; then a shorter recording is
            repeated.
        missing: What to do where the recording ends before the part does. The rest is silence if at least half of the
            part is there; of less, ``'error'`` complains and ``'silence'`` makes silence all the same.

    Returns:
        Tensor: float32 (num_samples,).

    Raises:
        FileNotFoundError, AudioFileError: see :func:`open_audio`, :func:`rate_ratio` and :func:`read_frames`; also if
            the recording ends too early.
    """
    with open_audio(path) as f:
        orig, new = rate_ratio(f, sample_rate)
        length = math.ceil(new * f.frames / orig)
        if start is not None:
            first = math.floor(start * sample_rate + 0.5)
            there = max(0, min(num_samples, length - first))
            if missing == 'error' and 2 * there < num_samples:
                raise too_short_error(f, start, num_samples / sample_rate)
            clip = _read_span(f, first, there, orig, new) if there else torch.zeros(0)
            return torch.nn.functional.pad(clip, (0, num_samples - there))
        if length <= num_samples:
            clip = _resample(_read_mono(f, 0, f.frames), orig, new)
            return fit_length(clip, num_samples)
        return _read_span(f, (length - num_samples) // 2, num_samples, orig, new)


def _read_span(f, first: int, count: int, orig: int, new: int) -> Tensor:
    """Samples ``first`` to ``first + count`` of the resampled recording."""
    # The resampler maps blocks of `orig` samples to blocks of `new` ones, each reaching `margin` blocks beyond
    # its own: a read that starts at a block boundary gives the same samples as one of the whole file.
    margin = 0 if orig == new else math.ceil(_resampler(orig, new).width / orig) + 1
    first_block = max(0, first // new - margin)
    last_block = math.ceil((first + count) / new) + margin
    start, stop = first_block * orig, min(f.frames, last_block * orig)
    clip = _resample(_read_mono(f, start, stop - start), orig, new)
    offset = first - first_block * new
    return clip[offset : offset + count]


def read_recording(path: str, *, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """Reads a whole recording as :func:`read_clip` reads its middle.

    Returns:
        Tensor: float32 (samples,).
    """
    with open_audio(path) as f:
        return _resample(_read_mono(f, 0, f.frames), *rate_ratio(f, sample_rate))


def _read_mono(f, start: int, count: int) -> Tensor:
    channels = read_frames(f, start=start, count=count).T
    # `mean` over so short an axis takes longer than reading and resampling.
    return torch.from_numpy(sum(channels) / len(channels))


def _resample(waveform: Tensor, orig: int, new: int) -> Tensor:
    return waveform if orig == new else _resampler(orig, new)(waveform)

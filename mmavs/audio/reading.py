"""Reading the required seconds of a recording at the required sample rate."""

import math
from functools import lru_cache

import torch
from torch import Tensor
from torchaudio.transforms import Resample

from .audio_file import ArrayAudio, AudioFileError, AudioSource, open_audio, rate_ratio, read_frames, too_short_error
from .excerpt import EXCERPT_CHOICES, loudest_start, middle_start
from .spec import SAMPLE_RATE

MISSING_CHOICES = ('error', 'silence')


@lru_cache(maxsize=8)
def _resampler(orig: int, new: int) -> Resample:
    """Cached, because computing the kernel costs half as much as resampling a clip."""
    return Resample(orig, new)


def fit_length(waveform: Tensor, num_samples: int) -> Tensor:
    """Crops a waveform to its middle or repeats it from its start, so that it has the given length.

    Args:
        waveform: (..., samples), at least one sample.
        num_samples: Length of the result.

    Returns:
        Tensor: (..., num_samples).
    """
    length = waveform.shape[-1]
    if length >= num_samples:
        start = middle_start(length, num_samples)
        return waveform[..., start : start + num_samples]
    repeats = math.ceil(num_samples / length)
    return waveform.repeat(*[1] * (waveform.ndim - 1), repeats)[..., :num_samples]


def read_clip(
    path: str | ArrayAudio,
    *,
    num_samples: int,
    sample_rate: int = SAMPLE_RATE,
    start: float | None = None,
    missing: str = MISSING_CHOICES[0],
    excerpt: str = EXCERPT_CHOICES[0],
    mono: bool = True,
) -> Tensor:
    """Reads a part of a recording at the given sample rate.

    Only the frames that the result depends on are read and resampled (all frames for ``excerpt='loudest'``). The result
    equals that of resampling the complete recording and cutting the part out.

    Args:
        path: The recording, or a waveform in memory, with any sample rate.
        num_samples: Number of samples to return, at ``sample_rate``.
        sample_rate: Hz.
        start: Start of the part in seconds. None to choose the part by ``excerpt``; a recording that is too short is
            then repeated.
        missing: What to do if the recording ends before half of a part with ``start``: ``'error'`` raises an error,
            ``'silence'`` returns zeros for what is missing. If less than half is missing, it is always zeros.
        excerpt: Part to take without ``start``: ``'middle'``, or ``'loudest'`` for the part with the largest energy.
        mono: Averages the channels.

    Returns:
        Tensor: float32, (num_samples,), or (channels, num_samples) if not ``mono``.

    Raises:
        FileNotFoundError, AudioFileError: see :func:`open_audio`, :func:`rate_ratio` and :func:`read_frames`. Also if
            the recording ends too early, or has more than two channels that are not averaged.
    """
    with open_audio(path) as f:
        if not mono:
            _check_channels(f)
        orig, new = rate_ratio(f, sample_rate)
        length = math.ceil(new * f.frames / orig)
        if start is not None:
            first = math.floor(start * sample_rate + 0.5)
            available = max(0, min(num_samples, length - first))
            if missing == 'error' and 2 * available < num_samples:
                raise too_short_error(f, start, num_samples / sample_rate)
            if not available:
                return torch.zeros(num_samples) if mono else torch.zeros(f.channels, num_samples)
            clip = _read_span(f, first, available, orig, new, mono)
            return torch.nn.functional.pad(clip, (0, num_samples - available))
        if length <= num_samples:
            return fit_length(_read_all(f, orig, new, mono), num_samples)
        if excerpt == 'loudest':
            waveform = _read_all(f, orig, new, mono)
            first = loudest_start(waveform.numpy(), num_samples)
            return waveform[..., first : first + num_samples]
        return _read_span(f, middle_start(length, num_samples), num_samples, orig, new, mono)


def read_recording(path: str, *, sample_rate: int = SAMPLE_RATE, mono: bool = True) -> Tensor:
    """Reads a complete recording as :func:`read_clip` reads a part of it.

    Returns:
        Tensor: float32, (samples,), or (channels, samples) if not ``mono``.

    Raises:
        FileNotFoundError, AudioFileError: see :func:`read_clip`.
    """
    with open_audio(path) as f:
        if not mono:
            _check_channels(f)
        return _read_all(f, *rate_ratio(f, sample_rate), mono)


def _check_channels(f: AudioSource) -> None:
    if f.channels > 2:
        raise AudioFileError(
            f'recording has {f.channels} channels: {f.name}. Only one or two channels can be kept; convert it, for '
            'example with `ffmpeg -i IN -ac 2 OUT.wav`, or average its channels (LoadAudio: keep_channels=False).',
            'too many channels in',
        )


def _read_span(f: AudioSource, first: int, count: int, orig: int, new: int, mono: bool) -> Tensor:
    """Samples ``first`` to ``first + count`` of the resampled recording."""
    start, stop, offset = span_to_read(first, count, orig, new, begin=0)
    clip = resample(_read(f, start, min(f.frames, stop) - start, mono), orig, new)
    return clip[..., offset : offset + count]


def span_to_read(first: int, count: int, orig: int, new: int, *, begin: int | None = None) -> tuple[int, int, int]:
    """Samples to read and resample for samples ``first`` to ``first + count`` of the resampled recording.

    The resampler maps blocks of ``orig`` samples to blocks of ``new`` ones, each reaching some blocks beyond its own: a
    read that starts at a block boundary gives the same samples as one of the complete file.

    Args:
        first: First sample of the result.
        count: Samples of the result.
        orig: Sample rate of the recording, divided by the greatest common divisor of both rates.
        new: Sample rate of the result, likewise.
        begin: First block of the recording; None if samples may be read before 0.

    Returns:
        tuple: First and last (exclusive) sample to read, and the number of resampled samples before the result.
    """
    margin = 0 if orig == new else math.ceil(_resampler(orig, new).width / orig) + 1
    first_block = first // new - margin
    if begin is not None:
        first_block = max(begin, first_block)
    last_block = math.ceil((first + count) / new) + margin
    return first_block * orig, last_block * orig, first - first_block * new


def _read_all(f: AudioSource, orig: int, new: int, mono: bool) -> Tensor:
    return resample(_read(f, 0, f.frames, mono), orig, new)


def _read(f: AudioSource, start: int, count: int, mono: bool) -> Tensor:
    """(count,), or (channels, count) if not ``mono``."""
    channels = read_frames(f, start=start, count=count).T
    if not mono:
        return torch.from_numpy(channels.copy())
    # `mean` over so short an axis takes longer than reading and resampling.
    return torch.from_numpy(sum(channels) / len(channels))


def resample(waveform: Tensor, orig: int, new: int) -> Tensor:
    """Resamples (..., samples) by the ratio of two sample rates, see :func:`rate_ratio`."""
    return waveform if orig == new else _resampler(orig, new)(waveform)

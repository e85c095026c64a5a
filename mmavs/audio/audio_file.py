"""Reading of recordings with errors that name the file and the reason. Does not need torch."""

import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import soundfile

from .container import ContainerAudio, NoPyAVError, is_container
from .file_kind import describe_content

# Programs that write to a pipe do not know the data size and write a placeholder of at least this value (FFmpeg
# 0xFFFFFFFF, SoX 0x7FFFF000, ...).
_UNKNOWN_SIZE = 0x7FFFF000
_UNKNOWN_SIZE_RF64 = 1 << 63  # the same for the 64-bit size of an RF64
MAX_PEAK = 1e10
"""Largest valid sample value. Full scale is 1, but 32-bit integers stored as floats are accepted. The power of samples
of 1e19 exceeds float32."""
# The resampling kernel has about `orig * new` values: gigabytes for rates without a common divisor.
_MAX_KERNEL = 50_000_000


class AudioFileError(OSError):
    """A recording exists but cannot be used.

    Args:
        message: Message with the file and the reason.
        kind: The reason in one or two words, for tables.
    """

    def __init__(self, message: str, kind: str = 'unreadable') -> None:
        super().__init__(message)
        self.kind = kind


class ArrayAudio:
    """A waveform in memory, with the methods of ``soundfile.SoundFile`` that are used for reading.

    Args:
        waveform: float array or tensor (samples,) or (channels, samples), full scale in [-1, 1].
        sample_rate: Hz.
        name: For messages.

    Raises:
        AudioFileError: The array has another shape, another type or no samples.
    """

    def __init__(self, waveform: Any, sample_rate: int, name: str = 'the waveform') -> None:
        array = np.asarray(waveform)
        if array.dtype.kind != 'f' or array.ndim not in (1, 2) or (array.ndim == 2 and len(array) > array.shape[1]):
            raise AudioFileError(
                f'{name} must be a float array of shape (samples,) or (channels, samples) with full scale in [-1, 1], '
                f'got {array.dtype} {array.shape}; divide integers by their full scale, transpose (samples, channels)'
            )
        if not array.size:
            raise AudioFileError(f'{name} has no samples', 'empty')
        self._frames = np.atleast_2d(array).T.astype(np.float32)
        self.frames, self.channels = self._frames.shape
        self.samplerate, self.name, self._position = int(sample_rate), name, 0

    def seek(self, start: int) -> None:
        """Sets the position, in samples."""
        self._position = start

    def read(self, count: int, **_) -> np.ndarray:
        """Returns ``count`` samples of all channels, (count, channels), and advances the position."""
        begin, self._position = self._position, self._position + count
        return self._frames[begin : self._position]

    def __repr__(self) -> str:
        return f'ArrayAudio({self.channels} x {self.frames}, {self.samplerate} Hz)'


AudioSource = soundfile.SoundFile | ContainerAudio | ArrayAudio


@contextmanager
def open_audio(path: str | ArrayAudio) -> Iterator[AudioSource]:
    """Opens a recording of any format that libsndfile reads (WAV with PCM, float, A-law or MP3 inside, FLAC, ...).

    Other formats, such as AAC, MP4 and WebM, are decoded by PyAV if it is installed. The content counts, not the
    suffix.

    Args:
        path: The file, or a waveform in memory.

    Raises:
        FileNotFoundError: There is no such file.
        AudioFileError: The file is not a readable recording, has no samples, or is shorter than its header states.
    """
    if isinstance(path, ArrayAudio):
        yield path
        return
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'recording not found: {path}. Fetch it, remove it from the annotation file, or correct the folder in the '
            'dataset (`data_root`, `audio_dir`).'
        )
    check_not_truncated(path)
    with open_file(path) as f:
        if f.frames == 0:
            raise AudioFileError(f'recording has no samples: {path}. Remove it from the annotation file.', 'empty')
        yield f


def open_file(path: str) -> soundfile.SoundFile | ContainerAudio:
    """Opens a recording with libsndfile, or with PyAV; its length is not checked.

    Raises:
        AudioFileError: Neither can read it.
    """
    try:
        return soundfile.SoundFile(path)
    except soundfile.LibsndfileError as e:
        problem: Exception = e
        reason = e.error_string
    kind = describe_content(path)
    if is_container(kind):
        try:
            return ContainerAudio(path)
        except NoPyAVError as e:
            raise AudioFileError(f'cannot read recording {e}', 'needs PyAV') from e
        except ValueError as e:
            problem, reason = e, f'{e}.'
    raise AudioFileError(
        f'cannot read recording {path}, which holds {kind}: {reason} Fetch it again, convert it, for example with '
        '`ffmpeg -i IN -c:a pcm_s16le OUT.wav`, or remove it from the annotation file.'
    ) from problem


def read_frames(f: AudioSource, *, start: int, count: int) -> np.ndarray:
    """Reads ``count`` frames from ``start`` on.

    Returns:
        np.ndarray: float32 of shape (count, channels), full scale in [-1, 1].

    Raises:
        AudioFileError: The file has fewer frames than its header states, or samples that are not finite or exceed
            :data:`MAX_PEAK`.
    """
    try:
        f.seek(start)
        frames = f.read(count, dtype='float32', always_2d=True)
    except soundfile.LibsndfileError as e:
        raise AudioFileError(
            f'cannot decode recording {f.name}: {e.error_string} Fetch it again or remove it from the annotation file.'
        ) from e
    if len(frames) != count:
        raise AudioFileError(
            f'recording is truncated: {f.name} should have {f.frames} frames, but only {len(frames)} of the '
            f'{count} from frame {start} on can be read. Fetch it again or remove it from the annotation file.',
            'truncated',
        )
    low, high = frames.min(initial=0), frames.max(initial=0)  # NaN if a sample is NaN
    if not np.isfinite([low, high]).all():
        raise AudioFileError(
            f'recording has NaN or infinite samples: {f.name}. Create it again or remove it from the annotation file.',
            'NaN in',
        )
    if (peak := max(-low, high)) > MAX_PEAK:
        raise AudioFileError(
            f'recording has samples of {peak:.3g}, where full scale is 1: {f.name}. Scale it to [-1, 1] or remove it '
            'from the annotation file.',
            'too large values in',
        )
    return frames


def check_not_truncated(path: str) -> None:
    """Checks that a WAV is complete; libsndfile itself accepts truncated ones.

    Raises:
        AudioFileError: The file is shorter than its header states.
    """
    if missing := missing_bytes(path):
        size = os.path.getsize(path)
        raise AudioFileError(
            f'recording is truncated: {path} has {size} bytes, its header states {size + missing} or more. Fetch it '
            'again or remove it from the annotation file.',
            'truncated',
        )


def missing_bytes(path: str) -> int:
    """Number of bytes of audio data that are missing in a WAV (RIFF or RF64) by its header; 0 for other files.

    It uses the size of the data chunk, since some programs write a wrong size of the complete file.
    """
    size, size_64 = os.path.getsize(path), 0
    with open(path, 'rb') as f:
        head = f.read(12)
        if head[:4] not in (b'RIFF', b'RF64') or head[8:] != b'WAVE':
            return 0
        while len(head := f.read(8)) == 8:
            name, length = struct.unpack('<4sI', head)
            begin = f.tell()
            if name == b'data':
                return max(0, begin + (length if length < _UNKNOWN_SIZE else size_64) - size)
            if name == b'ds64' and len(sizes := f.read(16)) == 16:
                (found,) = struct.unpack('<8xQ', sizes)
                size_64 = found if found < _UNKNOWN_SIZE_RF64 else 0
            f.seek(begin + length + length % 2)
    return 0


def rate_ratio(f: AudioSource, sample_rate: int) -> tuple[int, int]:
    """The sample rate of a recording and ``sample_rate``, both in Hz, divided by their greatest common divisor.

    Raises:
        AudioFileError: Their greatest common divisor is too small for resampling.
    """
    divisor = math.gcd(f.samplerate, sample_rate)
    orig, new = f.samplerate // divisor, sample_rate // divisor
    if orig * new > _MAX_KERNEL:
        raise AudioFileError(
            f'recording has an unusual sample rate: {f.name} has {f.samplerate} Hz, which has no large common '
            f'divisor with {sample_rate} Hz; convert it, for example with `ffmpeg -i IN -ar {sample_rate} OUT.wav`',
            'unusual rate in',
        )
    return orig, new


def too_short_error(f: AudioSource, start: float, seconds: float) -> AudioFileError:
    """The error for a recording that ends before half of the required part, which begins at ``start``, in seconds."""
    return AudioFileError(
        f'recording is too short: {f.name} has {f.frames / f.samplerate:.3f} s, but the sample needs seconds {start:g} '
        f'to {start + seconds:g}. Fetch it again, take the clip out of the annotation file, or use silence for it with '
        "LoadAudio(missing='silence').",
        'too short',
    )

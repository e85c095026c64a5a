"""Opening recordings, with errors that say which file is broken and how. Needs soundfile only, not torch."""

import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import soundfile

# Data sizes from here on are what a writer to a pipe leaves in the header because it can't know better (0xFFFFFFFF by
# FFmpeg, 0x7FFFF000 by SoX, ...).
_UNKNOWN_SIZE = 0x7FFFF000
# The resampler's kernel has about `orig * new` values, which for rates without a common divisor are gigabytes.
_MAX_KERNEL = 50_000_000


class AudioFileError(OSError):
    """A recording that exists but can't be used.

    Args:
        message: Names the file and the reason.
        kind: The reason in a word or two, for tables.
    """

    def __init__(self, message: str, kind: str = 'unreadable') -> None:
        super().__init__(message)
        self.kind = kind


@contextmanager
def open_audio(path: str) -> Iterator[soundfile.SoundFile]:
    """Opens a recording of any format that libsndfile reads (WAV with PCM, float, A-law or MP3 inside, FLAC, ...).

    Args:
        path: The file.

    Raises:
        FileNotFoundError: There is no such file.
        AudioFileError: It is no readable recording, has no samples, or is shorter than its own header says.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f'recording not found: {path}')
    check_not_truncated(path)
    try:
        f = soundfile.SoundFile(path)
    except soundfile.LibsndfileError as e:
        raise AudioFileError(
            f'cannot read recording {path}: {e.error_string} Convert it, for example with `ffmpeg -i IN -c:a pcm_s16le '
            'OUT.wav`, or take it out of the annotation file.'
        ) from e
    with f:
        if f.frames == 0:
            raise AudioFileError(f'recording has no samples: {path}. Take it out of the annotation file.', 'empty')
        yield f


def read_frames(f: soundfile.SoundFile, *, start: int, count: int) -> np.ndarray:
    """Reads ``count`` frames from ``start`` on and nothing else.

    Returns:
        np.ndarray: float32 of shape (count, channels), full scale in [-1, 1].

    Raises:
        AudioFileError: Fewer frames are there than announced, or some are not finite.
    """
    try:
        f.seek(start)
        frames = f.read(count, dtype='float32', always_2d=True)
    except soundfile.LibsndfileError as e:
        raise AudioFileError(f'cannot decode recording {f.name}: {e.error_string}') from e
    if len(frames) != count:
        raise AudioFileError(
            f'recording is truncated: {f.name} announces {f.frames} frames, but {len(frames)} of the '
            f'{count} from frame {start} on could be read. Fetch it again or take it out of the annotation file.',
            'truncated',
        )
    if not np.isfinite(frames).all():
        raise AudioFileError(
            f'recording holds NaN or infinite samples: {f.name}. Make it again or take it out of the annotation file.',
            'NaN in',
        )
    return frames


def check_not_truncated(path: str) -> None:
    """Checks that a WAV holds all the data that it announces: libsndfile itself takes a truncated one as it is.

    The size of the data chunk decides; some writers get the one of the whole file wrong.

    Raises:
        AudioFileError: The file is shorter than its header says.
    """
    size = os.path.getsize(path)
    with open(path, 'rb') as f:
        head = f.read(12)
        if head[:4] != b'RIFF' or head[8:] != b'WAVE':
            return
        while len(head := f.read(8)) == 8:
            name, length = struct.unpack('<4sI', head)
            if name == b'data':
                if length < _UNKNOWN_SIZE and f.tell() + length > size:
                    raise AudioFileError(
                        f'recording is truncated: {path} has {size} bytes, its header announces '
                        f'{f.tell() + length} or more. Fetch it again or take it out of the annotation file.',
                        'truncated',
                    )
                return
            f.seek(length + length % 2, os.SEEK_CUR)


def rate_ratio(f: soundfile.SoundFile, sample_rate: int) -> tuple[int, int]:
    """The rate of a recording and ``sample_rate``, Hz, without their common divisor.

    Raises:
        AudioFileError: They have too little in common to resample one to the other.
    """
    divisor = math.gcd(f.samplerate, sample_rate)
    orig, new = f.samplerate // divisor, sample_rate // divisor
    if orig * new > _MAX_KERNEL:
        raise AudioFileError(
            f'recording has an unusual rate: {f.name} has {f.samplerate} Hz, which has too little in common with '
            f'{sample_rate} Hz; convert it, for example with `ffmpeg -i IN -ar {sample_rate} OUT.wav`',
            'unusual rate in',
        )
    return orig, new


def too_short_error(f: soundfile.SoundFile, start: float, seconds: float) -> AudioFileError:
    """The error of a recording that ends before half of the wanted part, which begins at ``start``, in seconds."""
    return AudioFileError(
        f'recording is too short: {f.name} has {f.frames / f.samplerate:.3f} s, wanted are second {start:g} to '
        f'{start + seconds:g}. Fetch it again, take the clip out of the annotation file, or let LoadAudio give silence '
        "instead with missing='silence'.",
        'too short',
    )

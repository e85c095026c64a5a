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
_UNKNOWN_SIZE_RF64 = 1 << 63  # the same in the 64 bits that an RF64 has for it
MAX_PEAK = 1e10
"""The largest sample that counts as sound: full scale is 1, and whole numbers of 32 bits that someone stored as floats
still pass. The power of samples of 1e19 is beyond float32."""
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
        raise FileNotFoundError(
            f'recording not found: {path}. Fetch it, take it out of the annotation file, or correct the folder in the '
            'dataset (`data_root`, `audio_dir`).'
        )
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
        AudioFileError: Fewer frames are there than announced, or some are not finite or beyond :data:`MAX_PEAK`.
    """
    try:
        f.seek(start)
        frames = f.read(count, dtype='float32', always_2d=True)
    except soundfile.LibsndfileError as e:
        raise AudioFileError(
            f'cannot decode recording {f.name}: {e.error_string} Fetch it again or take it out of the annotation file.'
        ) from e
    if len(frames) != count:
        raise AudioFileError(
            f'recording is truncated: {f.name} announces {f.frames} frames, but {len(frames)} of the '
            f'{count} from frame {start} on could be read. Fetch it again or take it out of the annotation file.',
            'truncated',
        )
    low, high = frames.min(initial=0), frames.max(initial=0)  # NaN where a sample is
    if not np.isfinite([low, high]).all():
        raise AudioFileError(
            f'recording holds NaN or infinite samples: {f.name}. Make it again or take it out of the annotation file.',
            'NaN in',
        )
    if (peak := max(-low, high)) > MAX_PEAK:
        raise AudioFileError(
            f'recording has samples of {peak:.3g}, where full scale is 1: {f.name}. Bring it to [-1, 1] or take it out '
            'of the annotation file.',
            'too large values in',
        )
    return frames


def check_not_truncated(path: str) -> None:
    """Checks that a WAV holds all the data that it announces: libsndfile itself takes a truncated one as it is.

    Raises:
        AudioFileError: The file is shorter than its header says.
    """
    if lacking := missing_bytes(path):
        size = os.path.getsize(path)
        raise AudioFileError(
            f'recording is truncated: {path} has {size} bytes, its header announces {size + lacking} or more. Fetch it '
            'again or take it out of the annotation file.',
            'truncated',
        )


def missing_bytes(path: str) -> int:
    """Bytes of sound that a WAV (RIFF or RF64) announces and that are not there; 0 for other files.

    The size of the data chunk decides; some writers get the one of the whole file wrong.
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

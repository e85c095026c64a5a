"""Audio that libsndfile cannot read, decoded by PyAV: AAC, MP4, MOV, WebM, Matroska, ... Does not need torch."""

import os
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from .file_kind import describe_content

INSTALL = "pip install 'mmavs[video]'"


class NoPyAVError(ImportError):
    """PyAV is needed but not installed; the message has the content of the file and the command to install PyAV."""


def is_container(kind: str) -> bool:
    """True if FFmpeg's libraries may open a file of this kind, see :func:`describe_content`.

    Text, images, archives and documents are left out. FFmpeg would open playlists, which are text that refers to other
    files and addresses, and images.
    """
    return not kind.startswith(('nothing', 'text', 'an HTML', 'a PNG', 'a JPEG', 'a GIF', 'a ZIP', 'a gzip', 'a PDF'))


def has_pyav() -> bool:
    """True if PyAV is installed."""
    return find_spec('av') is not None


def open_container(path: str) -> Any:
    """Opens a video or sound file with PyAV.

    Raises:
        NoPyAVError: PyAV is not installed.
        ValueError: The file is not a media file, or FFmpeg's libraries cannot read it; the message does not name the
            file.
    """
    kind = describe_content(path)
    if not is_container(kind):
        raise ValueError(f'it holds {kind}')
    if not has_pyav():
        raise NoPyAVError(f'{path}: it holds {kind}, which needs PyAV. Install it with {INSTALL} or pip install av')
    import av

    av.logging.set_level(av.logging.PANIC)  # errors are raised, and need not be printed as well
    try:
        # Only this protocol, since a media file may refer to addresses.
        return av.open(path, metadata_errors='ignore', options={'protocol_whitelist': 'file'})
    except av.error.FFmpegError as error:
        raise ValueError(f'{error.strerror}') from error


class ContainerAudio:
    """The first audio track of a file, with the methods of ``soundfile.SoundFile`` that are used for reading.

    The file is decoded once to count its samples, and again up to the end of the part that is read. Only this part is
    kept in memory. For training, convert such files once (``tools/dataset_converters/resample_audio.py``).

    Args:
        path: The file.

    Attributes:
        name: The path.
        samplerate: Hz.
        channels: Number of channels.
        frames: Number of samples of each channel.

    Raises:
        NoPyAVError: PyAV is not installed.
        ValueError: The file cannot be decoded or has no audio track; the message does not name the file.
    """

    def __init__(self, path: str) -> None:
        info = os.stat(path)
        self.name, self._position = path, 0
        self.samplerate, self.channels, self.frames = _count(path, info.st_size, info.st_mtime_ns)

    def seek(self, start: int) -> None:
        """Sets the position, in samples."""
        self._position = start

    def read(self, count: int, **_) -> np.ndarray:
        """Returns ``count`` samples of all channels, float32 (count, channels), or fewer at the end of the file."""
        begin, end = self._position, self._position + count
        parts, place = [np.empty((0, self.channels), np.float32)], 0
        for block in decode_audio(self.name):
            if place >= end:
                break
            parts.append(block[max(0, begin - place) : max(0, end - place)])
            place += len(block)
        self._position = end
        return np.concatenate(parts)

    def blocks(self, *_, **__) -> Iterator[np.ndarray]:
        """Yields all samples, block by block."""
        yield from decode_audio(self.name)

    def __enter__(self) -> 'ContainerAudio':
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __repr__(self) -> str:
        return f'ContainerAudio({self.name!r}, {self.channels} x {self.frames}, {self.samplerate} Hz)'


@lru_cache(maxsize=1024)
def _count(path: str, _size: int, _changed: int) -> tuple[int, int, int]:
    """(sample rate, channels, samples)."""
    with open_container(path) as container:
        if not container.streams.audio:
            raise ValueError('it has no audio track')
        rate = container.streams.audio[0].rate
    frames, channels = 0, 0
    for block in decode_audio(path):
        frames, channels = frames + len(block), block.shape[1]
    return rate, channels, frames


def decode_audio(path: str) -> Iterator[np.ndarray]:
    """Yields the samples of the first audio track in blocks, float32 (samples, channels), full scale in [-1, 1].

    Raises:
        NoPyAVError: PyAV is not installed.
        ValueError: No part of the file can be decoded.
    """
    with open_container(path) as container:
        for frame in decode_frames(container, container.streams.audio[0]):
            yield to_float(frame)


def decode_frames(container: Any, stream: Any) -> Iterator[Any]:
    """Yields the frames of a stream. Damaged packets are skipped, and a file may be truncated.

    Raises:
        ValueError: No frame can be decoded.
    """
    import av

    problem, decoded = None, 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            break
        except av.error.FFmpegError as error:  # the file is truncated
            problem = error
            break
        try:
            for frame in packet.decode():
                decoded += 1
                yield frame
        except av.error.FFmpegError as error:
            problem = error
    if problem is not None and not decoded:
        raise ValueError(f'no part of it can be decoded: {problem.strerror}') from problem


_SCALES = {'u1': (128, 2**7), 'i2': (0, 2**15), 'i4': (0, 2**31), 'f4': (0, 1), 'f8': (0, 1)}


def to_float(frame: Any) -> np.ndarray:
    """The samples of a frame of PyAV, float32 (samples, channels), full scale in [-1, 1]."""
    array = frame.to_ndarray()
    if frame.format.is_planar:
        array = array.T
    else:
        array = array.reshape(-1, len(frame.layout.channels))
    offset, scale = _SCALES[array.dtype.str[1:]]
    return (
        np.ascontiguousarray((array - np.float64(offset)) / scale, dtype=np.float32)
        if scale != 1
        else (np.ascontiguousarray(array, dtype=np.float32))
    )

"""Frames of videos, upright, with their times. PyAV decodes them; no program of FFmpeg is needed."""

import math
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from mmavs.audio.container import NoPyAVError, decode_frames, open_container
from mmavs.audio.file_kind import describe_content

_TOLERANCE = 1.0  # tolerance in seconds for videos that are shorter than their header states


class VideoError(OSError):
    """A video exists but cannot be used; the message names it, the reason and the remedy."""


class Frame(NamedTuple):
    """A frame of a video.

    Attributes:
        number: Number among the frames of the file, from 0.
        time: Seconds from the first frame.
        image: uint8 (H, W, 3), BGR, rotated as the metadata states.
    """

    number: int
    time: float
    image: np.ndarray


class VideoReader:
    """Iterates over the frames of a video without storing them.

    The times of the frames are those of their time stamps, so variable frame rates are supported.

    Args:
        path: The file.
        fps: Frames per second to read, at equal distances in time; None, or more than the video has, for all frames.

    Attributes:
        origin: Time stamp of the first frame, in seconds.
        rate: Average number of frames per second that the file states.

    Raises:
        FileNotFoundError: There is no such file.
        NoPyAVError: PyAV is not installed.
        VideoError: The file is not a video or cannot be read.
        ValueError: ``fps`` is not positive.
    """

    def __init__(self, path: str, fps: float | None = None) -> None:
        if fps is not None and not fps > 0:
            raise ValueError(f'fps must be positive, got {fps}')
        self.path, self.fps = path, fps
        try:
            self._container = open_container(path)
        except FileNotFoundError:
            raise FileNotFoundError(f'video not found: {path}') from None
        except NoPyAVError:
            raise
        except (ValueError, OSError) as error:
            raise self._error(str(error)) from error
        streams = [s for s in self._container.streams.video if 'attached_pic' not in str(s.disposition)]
        if not streams:  # the cover of an album is no video
            raise self._error('it has no video track')
        self._stream = streams[0]
        self._stream.thread_type = 'AUTO'
        self.rate = float(self._stream.average_rate or self._stream.guessed_rate or 25)
        self.origin = float((self._stream.start_time or 0) * self._stream.time_base)

    def _error(self, reason: str) -> VideoError:
        kind = describe_content(self.path)
        holds = '' if 'holds' in reason else f', which holds {kind}'
        return VideoError(f'cannot read video {self.path}{holds}: {reason}. Fetch it again or convert it to MP4')

    @property
    def seconds(self) -> float | None:
        """Duration of the video track by the header; None if the header has none."""
        # In Matroska and WebM, `duration` may be that of the audio.
        if len(parts := self._stream.metadata.get('DURATION', '').split(':')) == 3:
            end = sum(float(part) * factor for part, factor in zip(parts, (3600, 60, 1), strict=True))
            return end - self.origin
        return float(self._stream.duration * self._stream.time_base) if self._stream.duration else None

    @property
    def expected_frames(self) -> int | None:
        """Expected number of frames of the iteration, by the header; None if the header has no duration."""
        whole = self._container.duration / 1e6 if self._container.duration else None  # duration of video and audio
        seconds = self.seconds or whole
        total = self._stream.frames or (round(seconds * self.rate) if seconds else None)
        if self.fps is None or total is None:
            return total
        return min(total, math.ceil((seconds or total / self.rate) * self.fps))

    def __iter__(self) -> Iterator[Frame]:
        """Yields the frames.

        Raises:
            VideoError: No frame can be decoded.
        """
        wanted, time = 0.0, -1.0
        try:
            for number, frame in enumerate(decode_frames(self._container, self._stream)):
                time = number / self.rate if frame.pts is None else float(frame.pts * frame.time_base) - self.origin
                if self.fps is not None:
                    if time < wanted - 0.5 / self.rate:
                        continue
                    wanted = (math.floor(time * self.fps + 0.5) + 1) / self.fps
                yield Frame(number, max(0.0, time), to_upright(frame))
        except ValueError as error:
            raise self._error(str(error)) from error
        if time < 0:
            raise self._error('it has no frames')
        if self.seconds and time + 1 / self.rate < self.seconds - _TOLERANCE:
            warnings.warn(
                f'{self.path} ends after {time:.1f} s, its header states {self.seconds:.1f} s: the file is truncated',
                stacklevel=2,
            )

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

    def __enter__(self) -> 'VideoReader':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def to_upright(frame: Any) -> np.ndarray:
    """A frame of PyAV as an image (H, W, 3), BGR, rotated as the metadata states, in steps of 90 degrees."""
    image = frame.to_ndarray(format='bgr24')
    turns = round(frame.rotation / 90) % 4  # counterclockwise
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image

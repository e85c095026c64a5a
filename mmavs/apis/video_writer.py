"""Writes a video with the audio track of another one."""

import os
import warnings
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from mmavs.audio.container import decode_frames, open_container
from mmavs.utils.files import PART, writing_error

_COPIED = ('aac', 'mp3', 'ac3', 'eac3', 'opus', 'flac', 'alac')  # audio codecs that MP4 supports
_CODECS = ('libx264', 'mpeg4')
_CLOCK = Fraction(1, 90000)


class VideoWriter:
    """An MP4 file of frames with the audio track of their source.

    Frames keep their times. The audio is copied, or encoded as AAC if MP4 does not support its codec. A picture of odd
    width or height gets one more column or row, as the format requires. The file gets its name when the context
    ends without an error or is interrupted.

    Args:
        path: The file.
        source: The video with the audio.
        rate: Frames per second, approximately.
        origin: Time stamp of the first frame of the source, in seconds.

    Raises:
        OSError: The file cannot be written; no incomplete file is left.
    """

    def __init__(self, path: str, *, source: str, rate: float, origin: float = 0.0) -> None:
        self.path, self.source, self.rate, self.origin = path, source, rate, origin
        self._part = f'{path}{PART}'
        self._container = self._stream = None
        self._sound: Iterator[Any] = iter(())
        self._last, self._next = -1, None

    def __enter__(self) -> 'VideoWriter':
        return self

    def write(self, image: np.ndarray, time: float) -> None:
        """Adds a frame, uint8 (H, W, 3) RGB, at ``time`` seconds. All frames have the size of the first."""
        import av

        image = np.pad(image, ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)), mode='edge')
        try:
            if self._container is None:
                self._open(*image.shape[:2])
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format='rgb24')
            self._last = max(round(time / _CLOCK), self._last + 1)  # times of broken files may repeat
            frame.pts, frame.time_base = self._last, _CLOCK
            self._mux_sound(time)
            self._container.mux(self._stream.encode(frame))
        except OSError as error:
            raise writing_error(self.path, error, 'out_dir') from error

    def __exit__(self, kind, error, trace) -> None:
        keep = kind is None or issubclass(kind, (KeyboardInterrupt, GeneratorExit))
        try:
            if self._container is not None and keep:
                self._container.mux(self._stream.encode(None))
                self._mux_sound(None)
                self._close()
                os.replace(self._part, self.path)
        except OSError as problem:
            raise writing_error(self.path, problem, 'out_dir') from problem
        finally:
            self._close(quietly=True)
            if os.path.lexists(self._part):
                os.unlink(self._part)

    def _open(self, height: int, width: int) -> None:
        import av

        os.makedirs(os.path.dirname(self.path) or '.', exist_ok=True)
        self._container = av.open(self._part, 'w', format='mp4')
        codec = next(name for name in _CODECS if name in av.codecs_available)
        rate = Fraction(self.rate).limit_denominator(1001)
        self._stream = self._container.add_stream(codec, rate=rate)
        self._stream.height, self._stream.width, self._stream.pix_fmt = height, width, 'yuv420p'
        self._stream.codec_context.time_base = _CLOCK
        if codec == 'libx264':
            self._stream.options = {'crf': '20', 'preset': 'veryfast'}
        self._add_sound()

    def _add_sound(self) -> None:
        source = open_container(self.source)
        if not source.streams.audio:
            source.close()
            return
        track = source.streams.audio[0]
        if track.codec_context.name.removesuffix('float') in _COPIED:
            stream = self._container.add_stream_from_template(track)
            self._sound = self._copied_packets(source, track, stream)
        else:
            stream = self._container.add_stream('aac', rate=track.rate, layout='stereo')
            self._sound = self._encoded_packets(source, track, stream)
        self._next = next(self._sound, None)

    def _mux_sound(self, until: float | None) -> None:
        """Adds the audio packets up to a time in seconds."""
        import av

        try:
            while self._next is not None and (until is None or _seconds(self._next) <= until):
                self._container.mux(self._next)
                self._next = next(self._sound, None)
        except (av.error.FFmpegError, ValueError) as error:
            if isinstance(error, OSError):  # the disk is full
                raise
            warnings.warn(f'the sound of {self.source} cannot be copied from here on ({error})', stacklevel=2)
            self._next = None

    def _copied_packets(self, source: Any, track: Any, stream: Any) -> Iterator[Any]:
        offset = round(self.origin / track.time_base)
        with source:
            for packet in source.demux(track):
                if packet.dts is not None and packet.pts is not None and packet.pts >= offset:
                    packet.pts, packet.dts = packet.pts - offset, packet.dts - offset
                    packet.stream = stream
                    yield packet

    def _encoded_packets(self, source: Any, track: Any, stream: Any) -> Iterator[Any]:
        import av

        resampler = av.AudioResampler(format='fltp', layout='stereo', rate=track.rate, frame_size=1024)
        with source:
            for frame in decode_frames(source, track):
                if frame.pts is not None:
                    frame.pts -= round(self.origin / frame.time_base)
                for part in resampler.resample(frame):
                    yield from stream.encode(part)
            for part in resampler.resample(None):
                yield from stream.encode(part)
            yield from stream.encode(None)

    def _close(self, *, quietly: bool = False) -> None:
        container, self._container = self._container, None
        self._sound = iter(())
        if container is not None:
            try:
                container.close()
            except OSError:
                if not quietly:
                    raise


def _seconds(packet: Any) -> float:
    return float(packet.dts * packet.time_base)

"""The audio of a video around each of its frames."""

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .audio_file import rate_ratio
from .container import decode_frames, open_container, to_float
from .mixing import mix_sources
from .reading import resample, span_to_read

_GAP = 0.1  # gaps between time stamps of at least this many seconds are filled with silence


class SoundTrack:
    """Windows of the audio of a video, for times in increasing order. Only a few seconds are kept in memory.

    A window is centered on its time. Near the beginning and the end of the track it is shifted into the track if
    its time is within the track. Samples outside of the track are 0, as are all samples if the video has no track. A
    window has the same samples as :func:`read_clip` reads from these seconds of a file.

    A track of more than two channels is mixed down to stereo.

    Args:
        path: The video.
        num_samples: Length of a window.
        sample_rate: Hz, of the windows.
        channels: 2 for stereo, 1 for the mean of the channels.
        position: Pans the mean of the channels to this position, from 0 (left) to 1 (right), for stereo windows. None
            keeps the two channels of the track; a mono track is then panned to the center.
        origin: Time stamp of the first frame of the video, in seconds.

    Raises:
        NoPyAVError: PyAV is not installed.
        ValueError: The file cannot be read; the message does not name it.
        AudioFileError: The sample rate of the track has no large common divisor with ``sample_rate``.
    """

    def __init__(
        self,
        path: str,
        *,
        num_samples: int,
        sample_rate: int,
        channels: int,
        position: float | None = None,
        origin: float = 0.0,
    ) -> None:
        self.num_samples, self.sample_rate = num_samples, sample_rate
        self.channels, self.position, self.origin = channels, position, origin
        self._container = open_container(path)
        streams = self._container.streams.audio
        self._ended = not streams
        self._rate = streams[0].rate if streams else sample_rate
        self._orig, self._new = rate_ratio(SimpleNamespace(samplerate=self._rate, name=path), sample_rate)
        self._blocks = self._decode(streams[0]) if streams else iter(())
        # Samples `_begin` to `_end`, counted from the start of the video at the rate of the track.
        self._begin = self._end = self._first = None
        self._buffer: list[np.ndarray] = []

    @property
    def exists(self) -> bool:
        """True if the video has an audio track."""
        return bool(self._container.streams.audio)

    def window(self, time: float) -> Tensor:
        """The audio around a time in seconds from the start of the video: float32 (channels, num_samples)."""
        center = math.floor(time * self.sample_rate + 0.5)
        first = center - self.num_samples // 2
        self._decode_until(self._span(first)[1])
        if self._begin is None:
            return torch.zeros(self.channels, self.num_samples)
        start = math.ceil(self._first * self._new / self._orig)
        end = self._end * self._new // self._orig if self._ended else first + self.num_samples
        if start <= center and (center <= end or not self._ended):
            first = max(start, min(first, end - self.num_samples))
        begin, stop, offset = self._span(first)
        self._decode_until(stop)
        samples = self._take(begin, stop)
        self._drop_before(begin - self._rate - math.ceil(self.num_samples * self._orig / self._new))
        clip = resample(torch.from_numpy(samples.T.copy()), self._orig, self._new)
        return self._to_channels(clip[:, offset : offset + self.num_samples])

    def _span(self, first: int) -> tuple[int, int, int]:
        return span_to_read(first, self.num_samples, self._orig, self._new)

    def _to_channels(self, clip: Tensor) -> Tensor:
        if self.channels == 1:
            return clip.mean(0, keepdim=True)
        if self.position is None and len(clip) == 2:
            return clip
        return mix_sources([clip.mean(0)], [0.5 if self.position is None else self.position])

    def _decode_until(self, end: int) -> None:
        while not self._ended and (self._end is None or self._end < end):
            try:
                start, block = next(self._blocks)
            except (StopIteration, ValueError):  # a track that cannot be decoded counts as silent
                self._ended = True
                return
            if self._begin is None:
                self._begin = self._end = self._first = start
            if (gap := start - self._end) > _GAP * self._rate:
                self._buffer.append(np.zeros((gap, block.shape[1]), np.float32))
                self._end += gap
            self._buffer.append(block)
            self._end += len(block)

    def _decode(self, stream: Any) -> Iterator[tuple[int, np.ndarray]]:
        """Yields (first sample, block of one or two channels)."""
        import av

        stereo = av.AudioResampler(format='fltp', layout='stereo')
        place = None
        for frame in decode_frames(self._container, stream):
            if frame.pts is not None:
                place = math.floor((float(frame.pts * frame.time_base) - self.origin) * self._rate + 0.5)
            place = place or 0
            parts = [frame] if len(frame.layout.channels) <= 2 else stereo.resample(frame)
            for part in parts:
                block = to_float(part)
                yield place, block
                place += len(block)

    def _take(self, begin: int, stop: int) -> np.ndarray:
        """Samples ``begin`` to ``stop``, with zeros outside of the track."""
        if len(self._buffer) != 1:
            self._buffer = [np.concatenate(self._buffer)]
        samples = self._buffer[0]
        taken = samples[max(0, begin - self._begin) : max(0, stop - self._begin)]
        before = min(stop, max(begin, self._begin)) - begin
        return np.pad(taken, ((before, stop - begin - before - len(taken)), (0, 0)))

    def _drop_before(self, begin: int) -> None:
        if (count := begin - self._begin) > 0:
            self._buffer = [self._buffer[0][count:]]
            self._begin = min(begin, self._end)

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

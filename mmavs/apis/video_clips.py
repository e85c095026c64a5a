"""Clips of a video for temporal networks, with the length and spacing of their training."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from mmengine.config import Config, ConfigDict
from mmseg.registry import DATASETS

from mmavs.datasets.clip_dataset import FRAME_SECONDS, ClipDataset

from .checkpoints import find_test_dataset

_ROUNDING = 1e-6  # seconds


class ClipSettings(NamedTuple):
    """Settings of clips.

    Attributes:
        frames: Number of frames of a clip.
        seconds: Time between consecutive frames.
    """

    frames: int = 1
    seconds: float = FRAME_SECONDS


def find_clip_settings(cfg: Config | ConfigDict, fusion: Any) -> ClipSettings:
    """The clips of the dataset in the config of a network. A network for single frames has clips of one frame."""
    if not getattr(fusion, 'needs_frames', False):
        return ClipSettings()
    kind = DATASETS.get(str(find_test_dataset(cfg).get('type')))
    if kind is None or not issubclass(kind, ClipDataset):
        return ClipSettings()
    return ClipSettings(kind.clip_frames or (cfg.get('test_dataloader') or {}).get('batch_size', 1))


class Clip(NamedTuple):
    """A clip of a video.

    Attributes:
        part: Index of the part of the video. All frames of a part are before those of the next part.
        frames: The frames.
        places: Indices, in ``frames``, of the frames that are not in earlier clips.
    """

    part: int
    frames: list[Any]
    places: list[int]


def group_clips(frames: Iterable[Any], settings: ClipSettings) -> Iterator[Clip]:
    """Divides a video into clips, so that each frame is in one of them.

    The video is divided into parts with the duration of a clip. In each part, the frames of a clip are
    ``settings.seconds`` apart. With one second and ten frames per second there are ten clips, each shifted by a frame.
    At the end of the video, and where frames are missing, the nearest frame is repeated. Only the frames of one part
    are in memory.

    Args:
        frames: Objects with an attribute ``time`` in seconds, in order.
        settings: Length and spacing of the clips.

    Yields:
        Clip: The clips, part by part.
    """
    if settings.frames == 1:
        yield from (Clip(number, [frame], [0]) for number, frame in enumerate(frames))
        return
    length = settings.frames * settings.seconds
    for number, part in groupby(frames, key=lambda frame: int((frame.time + _ROUNDING) // length)):
        yield from _clips_of(number, list(part), settings)


def _clips_of(number: int, part: Sequence[Any], settings: ClipSettings) -> Iterator[Clip]:
    start = number * settings.frames * settings.seconds
    times = [frame.time for frame in part]
    waiting = list(range(len(part)))
    while waiting:
        first = waiting[0]
        slot = min(int((times[first] - start + _ROUNDING) // settings.seconds), settings.frames - 1)
        chosen = [
            first if k == slot else _nearest(times, times[first] + (k - slot) * settings.seconds)
            for k in range(settings.frames)
        ]
        places = {index: place for place, index in reversed(list(enumerate(chosen))) if index in waiting}
        places[first] = slot
        waiting = [index for index in waiting if index not in places]
        yield Clip(number, [part[index] for index in chosen], sorted(places.values()))


def _nearest(times: Sequence[float], time: float) -> int:
    index = bisect_left(times, time)
    candidates = [i for i in (index - 1, index) if 0 <= i < len(times)]
    return min(candidates, key=lambda i: abs(times[i] - time))

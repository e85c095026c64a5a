"""Converts the inputs of the inferencer to samples: pictures, sounds, folders, and lists of them."""

import os
import os.path as osp
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from mmavs.audio.audio_file import ArrayAudio
from mmavs.audio.file_kind import describe_content
from mmavs.audio.mixing import is_position
from mmavs.audio.suffixes import SOUND_SUFFIXES, VIDEO_SUFFIXES

from .input_pipeline import Sample

PICTURES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm')
VIDEOS = VIDEO_SUFFIXES
SOUNDS = (*SOUND_SUFFIXES, *VIDEO_SUFFIXES)
_VIDEO_CONTENT = ('MP4', 'MOV (QuickTime)', 'WebM or Matroska', 'an MPEG transport stream', 'Flash video')
_CENTER = 0.5


def make_samples(
    inputs: Any,
    audio: Any,
    *,
    position: float | Sequence[float] | None = None,
    sample_rate: int,
    keep_channels: bool | None = None,
) -> list[Sample]:
    """Pairs pictures with sounds; arguments as in :class:`AVSegInferencer`.

    Raises:
        FileNotFoundError: A folder has no picture, or a picture of a folder has no sound.
        ValueError: The numbers of pictures and sounds differ, there is no sound, or a position is not in [0, 1].
    """
    pictures, sounds = _pair(inputs, audio)
    positions = list(position) if isinstance(position, (list, tuple)) else [position] * len(pictures)
    if len(positions) != len(pictures):
        raise ValueError(f'position has {len(positions)} values for {len(pictures)} pictures: give one for each')
    return [
        Sample(
            picture,
            sources=[_to_source(part, place, sample_rate) for part in _parts(sound)],
            keep_channels=keep_channels,
            name=os.fspath(picture) if isinstance(picture, (str, os.PathLike)) else '',
        )
        for picture, sound, place in zip(pictures, sounds, positions, strict=True)
    ]


def find_videos(inputs: Any) -> list[str] | None:
    """The videos among the inputs of :class:`AVSegInferencer`: a file, a folder without pictures, or a list of files.

    Returns:
        list[str] | None: The paths, sorted; None if the inputs are pictures.

    Raises:
        FileNotFoundError: A folder has neither pictures nor videos.
        ValueError: A list has pictures and videos.
    """
    if _is_path(inputs) and osp.isdir(inputs):
        if any(name.lower().endswith(PICTURES) for name in os.listdir(inputs)):
            return None
        return list_files(inputs, VIDEOS, 'pictures or videos')
    if isinstance(inputs, (list, tuple)):
        kinds = [_is_path(part) and _is_video(os.fspath(part)) for part in inputs]
        if any(kinds) and not all(kinds):
            raise ValueError('the inputs are pictures and videos: pass them in two calls')
        return [os.fspath(part) for part in inputs] if kinds and all(kinds) else None
    return [os.fspath(inputs)] if _is_path(inputs) and _is_video(os.fspath(inputs)) else None


def _is_video(path: str) -> bool:
    """Detects a video by its suffix, or by the content of a file with another suffix."""
    if path.lower().endswith((*VIDEOS, *PICTURES)) or not osp.isfile(path):
        return path.lower().endswith(VIDEOS)
    return describe_content(path) in _VIDEO_CONTENT


def _pair(inputs: Any, audio: Any) -> tuple[list, list]:
    if _is_path(inputs) and osp.isdir(inputs):
        pictures = list_files(inputs, PICTURES, 'pictures')
        if _is_path(audio) and not osp.isdir(audio):
            return pictures, [audio] * len(pictures)
        folder = os.fspath(inputs if audio is None else audio)
        return pictures, _sounds_of(pictures, folder) if osp.isdir(folder) else _check_number(pictures, audio)
    if not isinstance(inputs, (list, tuple)):
        return [inputs], [_required(audio)]
    if isinstance(audio, (list, tuple)) and len(audio):
        return list(inputs), _check_number(inputs, audio)
    return list(inputs), [_required(audio)] * len(inputs)


def _required(audio: Any) -> Any:
    if audio is None:
        raise ValueError(
            'pictures need audio, the second argument: the path of a sound, an array (samples,), or [] for silence'
        )
    return audio


def _check_number(pictures: Sequence, audio: Any) -> list:
    if not isinstance(audio, (list, tuple)) or len(audio) != len(pictures):
        number = len(audio) if isinstance(audio, (list, tuple)) else 1
        raise ValueError(f'{number} sounds for {len(pictures)} pictures: give one for each, or a single path')
    return list(audio)


def list_files(folder: str | os.PathLike, suffixes: Sequence[str], what: str) -> list[str]:
    """Paths of the files of a folder with one of the suffixes, sorted; hidden files are left out.

    Raises:
        FileNotFoundError: There are no such files.
    """
    names = sorted(os.listdir(folder))
    found = [name for name in names if name.lower().endswith(tuple(suffixes)) and not name.startswith('.')]
    if not found:
        raise FileNotFoundError(
            f'no {what} in {os.fspath(folder)}: it has no file that ends with {", ".join(suffixes)}'
        )
    return [osp.join(folder, name) for name in found]


def _sounds_of(pictures: Sequence[str], folder: str) -> list[str]:
    """The sound of each picture, the file of the same name in ``folder``."""
    by_stem: dict[str, str] = {}
    for path in list_files(folder, SOUNDS, 'sounds'):
        stem = osp.splitext(osp.basename(path))[0]
        if stem in by_stem:
            raise ValueError(f'{by_stem[stem]} and {path} belong to the same picture: remove one of them')
        by_stem[stem] = path
    stems = [osp.splitext(osp.basename(path))[0] for path in pictures]
    if missing := [path for path, stem in zip(pictures, stems, strict=True) if stem not in by_stem]:
        more = f' and {len(missing) - 1} other pictures' if len(missing) > 1 else ''
        raise FileNotFoundError(
            f'no sound for {missing[0]}{more} in {folder}: it needs the name of the picture and one of the '
            f'suffixes {", ".join(SOUNDS)}'
        )
    return [by_stem[stem] for stem in stems]


def _parts(sound: Any) -> list:
    """The sources of a picture."""
    if isinstance(sound, (list, tuple)):
        return list(sound)
    return [sound]


def _to_source(part: Any, position: float | None, sample_rate: int) -> dict:
    """Makes a record for ``LoadAudio``."""
    record = dict(part) if isinstance(part, dict) else dict(audio_path=part)
    if 'audio_path' not in record:
        raise ValueError(f'the record of a sound needs `audio_path`, a path or an array; got the keys {list(record)}')
    record.setdefault('position', _CENTER if position is None else position)
    if not is_position(record['position']):
        raise ValueError(f'position must be a number from 0 (left) to 1 (right), got {record["position"]!r}')
    audio = record['audio_path']
    if isinstance(audio, os.PathLike):
        record['audio_path'] = os.fspath(audio)
    elif isinstance(audio, (np.ndarray, Tensor)):
        waveform = audio.detach().cpu() if isinstance(audio, Tensor) else audio
        record['audio_path'] = ArrayAudio(waveform, record.pop('sample_rate', sample_rate))
    elif not isinstance(audio, str):
        raise ValueError(f'a sound must be a path, an array or a tensor, got {type(audio).__name__}')
    return record


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))

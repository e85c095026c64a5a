import os.path as osp
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .annotation_table import read_table
from .avseg_dataset import AVSegDataset

FRAME_SECONDS = 1.0
"""Seconds of sound that belong to one frame of AVSBench."""


class Clip(NamedTuple):
    """A video of the annotation.

    Attributes:
        name: Tells it from all others of the dataset.
        frames: Image files, in order.
        masks: Mask file of each frame, None for those that are not annotated.
        audio_path: Its recording; frame k has second k of it.
        audio_label: The classes that sound all the time, None where the masks tell.
        mask_encoding: How the masks hold their values, see ``MASK_ENCODINGS``.
        category: What is in it, where the annotation says so.
    """

    name: str
    frames: tuple[str, ...]
    masks: tuple[str | None, ...]
    audio_path: str
    audio_label: tuple[int, ...] | None
    mask_encoding: str
    category: str | None = None


class ClipDataset(AVSegDataset):
    """Base of the datasets of videos: one sample is one frame with its own second of sound.

    The record of :class:`AVSegDataset` gets more keys, and those of one video are neighbours, so that
    :class:`ClipSampler` can put whole videos into a batch::

        {
            'img_path': 'data/AVSBench-semantic/v2/abc/frames/3.jpg',
            'seg_map_path': 'data/AVSBench-semantic/v2/abc/labels_semantic/3.png',  # None: not annotated, label 255
            'sources': [{'audio_path': '.../v2/abc/audio.wav', 'position': 0.5, 'label': None, 'start': 3.0}],
            'audio_label': None,          # the classes that the mask `audio_label_path` holds, before any crop
            'audio_label_path': 'data/AVSBench-semantic/v2/abc/labels_semantic/3.png',
            'mask_encoding': 'index',
            'clip': 'v2/abc', 'frame': 3, 'num_frames': 10,
            'category': 'dog_barking',    # only where the annotation has one
        }

    A source's ``label`` is None, since one recording holds all that sounds. A mask shows exactly what sounds in its
    second, so that it also tells ``audio_label``; for a frame without one, the first annotated frame of its video does,
    and where a video has none, ``audio_label`` is ().

    Args:
        split: Value of the annotation's column ``split``, or several.
        annotated_only: Leaves out the frames without annotation, which methods that look at single frames cannot use.
        kwargs: Those of :class:`AVSegDataset`.
    """

    def __init__(self, split: str | Sequence[str] = 'train', *, annotated_only: bool = False, **kwargs) -> None:
        self.splits = (split,) if isinstance(split, str) else tuple(split)
        self.annotated_only = annotated_only
        super().__init__(**kwargs)

    def load_clips(self) -> Iterator[Clip]:
        """Yields the videos of the wanted splits."""
        raise NotImplementedError

    def load_data_list(self) -> list[dict]:
        """The records of all frames, video by video."""
        records = [record for clip in self.load_clips() for record in self._records(clip)]
        if not records:
            self._refuse(
                f'has no clip of split {" or ".join(self.splits)}: check `split` and `subset` of the dataset',
                kind='empty split',
            )
        return records

    def _records(self, clip: Clip) -> Iterator[dict]:
        annotated = next((mask for mask in clip.masks if mask is not None), None)
        audio_label = () if annotated is None and clip.audio_label is None else clip.audio_label
        for index, (frame, mask) in enumerate(zip(clip.frames, clip.masks, strict=True)):
            if mask is None and self.annotated_only:
                continue
            source = dict(audio_path=clip.audio_path, position=0.5, label=None, start=index * FRAME_SECONDS)
            yield dict(
                img_path=frame,
                seg_map_path=mask,
                sources=[source],
                audio_label=audio_label,
                audio_label_path=mask or annotated,
                mask_encoding=clip.mask_encoding,
                clip=clip.name,
                frame=index,
                num_frames=len(clip.frames),
                **({} if clip.category is None else dict(category=clip.category)),
            )

    def _own_rows(self, columns: Sequence[str], name_column: str) -> Iterator[tuple[int, dict]]:
        """Yields (line number, row) of the wanted splits, each clip once; refuses names that are no file names."""
        if not osp.isfile(self.ann_file):
            raise FileNotFoundError(
                f'annotation not found: {self.ann_file}. Set `data_root` of the dataset to the folder that the set was '
                'unpacked to; data/README.md shows what it must hold.'
            )
        seen: dict[tuple, int] = {}
        used: dict[str, set] = defaultdict(set)
        for number, row in read_table(self.ann_file, columns, refuse=self._refuse):
            if not is_file_name(row[name_column]):
                self._refuse(
                    f'{name_column} {row[name_column]!r} cannot be the name of a file', number, kind='bad name'
                )
                continue
            key = self._clip_key(row, row[name_column])
            used[row['split']].add(key)
            if row['split'] not in self.splits:
                continue
            if (first := seen.setdefault((row['split'], key), number)) != number:
                self._refuse(f'repeats {key} of line {first}; it counts once', number, kind='repeated', fatal=False)
                continue
            yield number, row
        self._check_splits(used, self.splits)
        self._check_apart(name_column, used, self.splits)

    def _clip_key(self, row: dict, name: str) -> str:
        """What tells a clip from others, whatever its split."""
        return name


def is_file_name(name: str) -> bool:
    """Whether a file or folder can have this name, without leaving the folder that it is in."""
    return bool(name) and osp.basename(name) == name and name not in ('.', '..')

import os.path as osp
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .avseg_dataset import AVSegDataset

FRAME_SECONDS = 1.0
"""Seconds of audio that belong to one frame of AVSBench."""


class Clip(NamedTuple):
    """A video of the annotation.

    Attributes:
        name: Unique within the dataset.
        frames: Image files in temporal order.
        masks: Mask file of each frame, None for frames without annotation.
        audio_path: Recording of the clip; second k belongs to frame k.
        audio_label: The classes that sound in every frame, None if they are taken from the masks.
        mask_encoding: Encoding of the mask values, one of ``MASK_ENCODINGS``.
        category: Category of the sounding object, if the annotation has one.
    """

    name: str
    frames: tuple[str, ...]
    masks: tuple[str | None, ...]
    audio_path: str
    audio_label: tuple[int, ...] | None
    mask_encoding: str
    category: str | None = None


class ClipDataset(AVSegDataset):
    """Base class of the video datasets: one sample is one frame with its own second of audio.

    Records have more keys than those of :class:`AVSegDataset`. Those of one video are consecutive, so that
    :class:`ClipSampler` can put complete videos into a batch::

        {
            'img_path': 'data/AVSBench-semantic/v2/abc/frames/3.jpg',
            'seg_map_path': 'data/AVSBench-semantic/v2/abc/labels_semantic/3.png',  # None: not annotated, label 255
            'sources': [{'audio_path': '.../v2/abc/audio.wav', 'position': 0.5, 'label': None, 'start': 3.0}],
            'audio_label': None,          # taken from the mask `audio_label_path`, before any crop
            'audio_label_path': 'data/AVSBench-semantic/v2/abc/labels_semantic/3.png',
            'audio_label_min_pixels': 1,
            'mask_encoding': 'index',
            'clip': 'v2/abc', 'frame': 3, 'num_frames': 10,
            'category': 'dog_barking',    # only if the annotation has one
        }

    The ``label`` of a source is None, since one recording contains all sounding objects. A mask shows exactly the
    objects that sound in its second and therefore defines ``audio_label``. For a frame without annotation, it is
    that of the first annotated frame of the video, and () if the video has none.

    Args:
        split: Value of the annotation's column ``split``, or several.
        annotated_only: Leaves out frames without annotation. Methods for single frames need this.
        kwargs: Other arguments of :class:`AVSegDataset`.
    """

    clip_frames: int | None = None
    """Number of frames of the longest videos, one every :data:`FRAME_SECONDS`; None if it is not known."""
    min_class_pixels = 1
    """Minimum number of pixels of a class in a mask for the class to be in ``audio_label``."""

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
            self._report(
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
                audio_label_min_pixels=self.min_class_pixels,
                mask_encoding=clip.mask_encoding,
                clip=clip.name,
                frame=index,
                num_frames=len(clip.frames),
                **({} if clip.category is None else dict(category=clip.category)),
            )

    def table_columns(self) -> tuple[tuple[str, ...], str]:
        """The required columns of the annotation, and the column with the names of the clips."""
        raise NotImplementedError

    def clip_key(self, row: dict) -> str:
        """Identifies the clip of a row, independently of its split."""
        raise NotImplementedError

    def read_all_rows(self) -> Iterator[tuple[int, dict]]:
        """Yields (line number, row) of the annotation, of all splits, except rows with an invalid file name."""
        columns, name = self.table_columns()
        for line, row in self.read_rows(columns):
            if is_file_name(row[name]):
                yield line, row
            else:
                self._report(f'{name} {row[name]!r} is not a valid file name', line, kind='bad name')

    def _own_rows(self) -> Iterator[tuple[int, dict]]:
        """Yields (line number, row) of the splits of this dataset; a repeated clip is left out."""
        seen: dict[tuple, int] = {}
        used_splits: set[str] = set()
        for line, row in self.read_all_rows():
            used_splits.add(row['split'])
            if row['split'] not in self.splits:
                continue
            key = self.clip_key(row)
            if (first := seen.setdefault((row['split'], key), line)) != line:
                self._report(f'repeats {key} of line {first}; this line is ignored', line, kind='repeated', fatal=False)
                continue
            yield line, row
        self._warn_unknown_splits(used_splits, self.splits)

    def _missing_hint(self) -> str:
        return (
            'Set `data_root` of the dataset to the folder of the unpacked download; data/README.md shows its content.'
        )


def is_file_name(name: str) -> bool:
    """True if a string is a valid name of a file or folder, and not a path."""
    return bool(name) and osp.basename(name) == name and name not in ('.', '..')

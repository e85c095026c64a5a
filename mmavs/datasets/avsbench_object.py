import csv
import os.path as osp
from collections.abc import Iterator
from functools import cached_property

import numpy as np
from mmseg.registry import DATASETS

from .annotation_table import open_table
from .clip_dataset import Clip, ClipDataset, is_file_name
from .label_table import IGNORE_INDEX, UNKNOWN_VALUE
from .metainfo.distinct_palette import distinct_palette

OBJECT_CLASSES = ('background', 'sounding object')
_FOREGROUND = 1
_FRAMES = 5
_TABLES = dict(s4='Single-source/s4_meta_data.csv', ms3='Multi-sources/ms3_meta_data.csv')
_FOLDERS = dict(s4='Single-source/s4_data', ms3='Multi-sources/ms3_data')


@DATASETS.register_module()
class AVSBenchObjectDataset(ClipDataset):
    """AVSBench-Object: videos of 5 seconds with masks of the sounding objects, without classes.

    Files under ``data_root``, as released (k from 1 to 5)::

        Single-source/s4_meta_data.csv                                    columns name, category, split
        Single-source/s4_data/visual_frames/<split>/<category>/<name>/<name>_<k>.png
        Single-source/s4_data/gt_masks/<split>/<category>/<name>/<name>_<k>.png    training: k = 1 only
        Single-source/s4_data/audio_wav/<split>/<category>/<name>.wav
        Multi-sources/ms3_meta_data.csv                                   columns name, split
        Multi-sources/ms3_data/visual_frames/<name>/<name>.mp4_<k>.png
        Multi-sources/ms3_data/gt_masks/<split>/<name>/<name>_<k>.png
        Multi-sources/ms3_data/audio_wav/<split>/<name>.wav

    If there is no column ``name`` or ``category``, the first and the third column are used. Masks are gray or RGB, with
    0 for background and 255 (or 1) for sounding objects.

    In S4 the object sounds in every second, and ``audio_label`` is (1,). In MS3 an empty mask marks a silent second,
    and its ``audio_label`` is ().

    Args:
        subset: ``'s4'`` (single source) or ``'ms3'`` (multiple sources).
        threshold: Mask values of at least this one are foreground, lower ones background. None accepts only 0, 1 and
            255.
        kwargs: Other arguments of :class:`ClipDataset`.

    Raises:
        FileNotFoundError: The annotation does not exist.
        KeyError: A column is missing.
        AnnotationError: The annotation has an incomplete row, an invalid name, or no clip of the split; or it is not a
            CSV file in UTF-8.
    """

    METAINFO = dict(classes=OBJECT_CLASSES, palette=distinct_palette(len(OBJECT_CLASSES)))
    clip_frames = _FRAMES
    mask_hint = 'masks of AVSBench-Object have the values 0 and 255; set `threshold=128` of the dataset for others'

    def __init__(
        self,
        subset: str = 's4',
        split: str | list[str] = 'train',
        *,
        threshold: int | None = None,
        data_root: str = 'data/AVSBench-object',
        **kwargs,
    ) -> None:
        if subset not in _TABLES:
            raise ValueError(f'AVSBenchObjectDataset: subset must be one of {", ".join(_TABLES)}, got {subset!r}')
        if threshold is not None and not 1 <= threshold <= 255:
            raise ValueError(f'AVSBenchObjectDataset: threshold must lie in [1, 255], got {threshold!r}')
        self.subset = subset
        self.threshold = threshold
        super().__init__(split, data_root=data_root, ann_file=_TABLES[subset], **kwargs)

    def _make_label_table(self) -> np.ndarray:
        """0 is background, 255 and 1 are foreground; by default no value is ignored."""
        if self.threshold is not None:
            table = (np.arange(256) >= self.threshold).astype(np.uint8) * _FOREGROUND
        else:
            table = np.full(256, UNKNOWN_VALUE, dtype=np.uint8)
            table[0] = 0
            table[[1, 255]] = _FOREGROUND
        table[list(self.ignored_values or ())] = IGNORE_INDEX
        return table

    def load_clips(self) -> Iterator[Clip]:
        """Yields the videos of the splits, in the order of the annotation."""
        name, category = self._headings
        for line, row in self._own_rows():
            folder = row['split']
            if category:
                if not is_file_name(row[category]):
                    self._report(f'category {row[category]!r} is not a valid folder name', line, kind='bad name')
                    continue
                folder = osp.join(folder, row[category])
            clip = self._clip(row[name], folder, row['split'])
            yield clip._replace(category=row[category] if category else None)

    @cached_property
    def _headings(self) -> tuple[str, str | None]:
        """Names of the column with the video name and, in S4, of the one with the category."""
        heads = []
        if osp.isfile(self.ann_file):  # reading the rows reports a missing file
            with open_table(self.ann_file) as f:
                heads = next(csv.reader(f), [])
        name = 'name' if 'name' in heads or not heads else heads[0]
        if self.subset == 'ms3':
            return name, None
        return name, 'category' if 'category' in heads or len(heads) < 3 else heads[2]

    def table_columns(self) -> tuple[tuple[str, ...], str]:
        """See :meth:`ClipDataset.table_columns`."""
        name, category = self._headings
        return tuple(filter(None, [name, category, 'split'])), name

    def clip_key(self, row: dict) -> str:
        """See :meth:`ClipDataset.clip_key`."""
        name, category = self._headings
        return f'{row[category]}/{row[name]}' if category else row[name]

    def _clip(self, name: str, folder: str, split: str) -> Clip:
        root = osp.join(self.data_root, _FOLDERS[self.subset])
        if self.subset == 's4':
            frame = osp.join(root, 'visual_frames', folder, name, name)
        else:
            frame = osp.join(root, 'visual_frames', name, f'{name}.mp4')
        mask = osp.join(root, 'gt_masks', folder, name, name)
        annotated = 1 if (self.subset, split) == ('s4', 'train') else _FRAMES
        numbers = range(1, _FRAMES + 1)
        return Clip(
            name=f'{self.subset}/{folder}/{name}',
            frames=tuple(f'{frame}_{k}.png' for k in numbers),
            masks=tuple(f'{mask}_{k}.png' if k <= annotated else None for k in numbers),
            audio_path=osp.join(root, 'audio_wav', folder, f'{name}.wav'),
            audio_label=(_FOREGROUND,) if self.subset == 's4' else None,
            mask_encoding='gray',
        )

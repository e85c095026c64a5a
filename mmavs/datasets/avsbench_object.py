import csv
import os.path as osp
from collections.abc import Iterator

import numpy as np
from mmseg.registry import DATASETS

from .annotation_table import open_table
from .clip_dataset import Clip, ClipDataset, is_file_name
from .image_file import UNKNOWN_VALUE
from .metainfo.palette import bit_interleaved_palette

OBJECT_CLASSES = ('background', 'sounding object')
_FOREGROUND = 1
_FRAMES = 5
_TABLES = dict(s4='Single-source/s4_meta_data.csv', ms3='Multi-sources/ms3_meta_data.csv')
_FOLDERS = dict(s4='Single-source/s4_data', ms3='Multi-sources/ms3_data')


@DATASETS.register_module()
class AVSBenchObjectDataset(ClipDataset):
    """AVSBench-Object: videos of 5 seconds, with masks of what sounds and no classes.

    Under ``data_root`` lie, as released (k from 1 to 5)::

        Single-source/s4_meta_data.csv                                    columns name, category, split
        Single-source/s4_data/visual_frames/<split>/<category>/<name>/<name>_<k>.png
        Single-source/s4_data/gt_masks/<split>/<category>/<name>/<name>_<k>.png    training: k = 1 only
        Single-source/s4_data/audio_wav/<split>/<category>/<name>.wav
        Multi-sources/ms3_meta_data.csv                                   columns name, split
        Multi-sources/ms3_data/visual_frames/<name>/<name>.mp4_<k>.png
        Multi-sources/ms3_data/gt_masks/<split>/<name>/<name>_<k>.png
        Multi-sources/ms3_data/audio_wav/<split>/<name>.wav

    A column ``name`` or ``category`` under another heading is found by its place, the first and the third. The masks
    may be grey or RGB; 0 is background, 255 (or 1) what sounds.

    In S4 the object sounds all the time: ``audio_label`` is (1,). In MS3 a second may be silent, which an empty mask
    shows: then it is ().

    Args:
        subset: ``'s4'`` (single source) or ``'ms3'`` (multiple sources).
        threshold: Grey values from it on are what sounds, those below are background. None refuses all values but 0,
            1 and 255.
        kwargs: Those of :class:`ClipDataset`.

    Raises:
        FileNotFoundError: The annotation is not there.
        KeyError: It lacks a column.
        RecordError: It has a line that is incomplete or has no usable name, or no clip of the split; or it is no CSV
            in UTF-8.
    """

    METAINFO = dict(classes=OBJECT_CLASSES, palette=bit_interleaved_palette(len(OBJECT_CLASSES)))
    mask_hint = 'masks of AVSBench-Object are 0 and 255; `threshold=128` of the dataset takes grey ones'

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
        """0 is background, 255 and 1 are what sounds; nothing is ignored."""
        if self.threshold is not None:
            return (np.arange(256) >= self.threshold).astype(np.uint8) * _FOREGROUND
        table = np.full(256, UNKNOWN_VALUE, dtype=np.uint8)
        table[0] = 0
        table[[1, 255]] = _FOREGROUND
        return table

    def load_clips(self) -> Iterator[Clip]:
        """Yields the videos of the wanted splits, in the order of the annotation."""
        name, self._category = self._columns()
        for number, row in self._own_rows(tuple(filter(None, [name, self._category, 'split'])), name):
            folder = row['split']
            if self._category:
                category = row[self._category]
                if not is_file_name(category):
                    self._refuse(f'category {category!r} cannot be the name of a folder', number, kind='bad name')
                    continue
                folder = osp.join(folder, category)
            clip = self._clip(row[name], folder, row['split'])
            yield clip._replace(category=row[self._category] if self._category else None)

    def _columns(self) -> tuple[str, str | None]:
        """Headings of the columns with the name and, in S4, the category."""
        heads = []
        if osp.isfile(self.ann_file):  # else it is missed when it is read
            with open_table(self.ann_file) as f:
                heads = next(csv.reader(f), [])
        name = 'name' if 'name' in heads or not heads else heads[0]
        if self.subset == 'ms3':
            return name, None
        return name, 'category' if 'category' in heads or len(heads) < 3 else heads[2]

    def _clip_key(self, row: dict, name: str) -> str:
        return f'{row[self._category]}/{name}' if self._category else name

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

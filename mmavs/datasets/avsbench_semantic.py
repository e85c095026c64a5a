import os.path as osp
from collections.abc import Iterator, Sequence

import numpy as np
from mmseg.registry import DATASETS

from .avsbench_object import OBJECT_CLASSES
from .clip_dataset import Clip, ClipDataset
from .label_table import IGNORE_INDEX, UNKNOWN_VALUE
from .metainfo.avsbench_classes import LABEL_FILE, NUM_CLASSES, default_classes, read_label_file
from .metainfo.distinct_palette import distinct_palette

FRAMES = dict(v1s=5, v1m=5, v2=10)
"""Part -> number of frames of its clips, which is also their duration in seconds."""
LABEL_FOLDERS = dict(labels_semantic='index', labels_rgb='color')


@DATASETS.register_module()
class AVSBenchSemanticDataset(ClipDataset):
    """AVSBench-Semantic (AVSS): videos of 5 or 10 seconds with masks of the sounding objects in 70 classes.

    Files under ``data_root``, as released (frames are numbered from 0; numbers from 1 are accepted as well)::

        metadata.csv        columns uid, label (v1s, v1m or v2), split, and others
        label2idx.json      name -> index of the 71 classes, background included
        <label>/<uid>/audio.wav
        <label>/<uid>/frames/<k>.jpg
        <label>/<uid>/labels_semantic/<k>.png    class indices; or, in clips without this folder,
        <label>/<uid>/labels_rgb/<k>.png         colors of the bit-interleaved palette

    v1s has one source and v1m several, both with 5 frames; v2 has any number of sources and 10 frames. In training, v1s
    is annotated on its first frame only.

    ``label2idx.json`` defines the classes. Without this file, ``lazy_init=True`` uses those of
    ``avsbench_classes.yaml``.

    Args:
        subsets: ``'v1s'``, ``'v1m'``, ``'v2'`` or several of them; all by default.
        labels: ``'labels_semantic'`` or ``'labels_rgb'`` reads this folder of every clip. None reads the former if a
            clip has it and the latter otherwise.
        binary: Merges the 70 classes into one foreground class, ``'sounding object'``.
        min_class_pixels: A class is in ``audio_label`` only if the mask has at least this number of pixels of it. Some
            released masks have a few stray pixels of a class that does not sound; 20 leaves these out. The default, 1,
            takes every class of the mask. The mask itself is unchanged.
        kwargs: Other arguments of :class:`ClipDataset`.

    Raises:
        FileNotFoundError: ``metadata.csv`` or ``label2idx.json`` does not exist.
        KeyError: A column of ``metadata.csv`` is missing.
        ValueError: ``label2idx.json`` does not define 71 classes.
        AnnotationError: ``metadata.csv`` has an incomplete row, an unknown part, or no clip of the split; or it is not
            a CSV file in UTF-8.
    """

    clip_frames = max(FRAMES.values())
    METAINFO = dict(classes=default_classes(), palette=distinct_palette(NUM_CLASSES))

    def __init__(
        self,
        subsets: str | Sequence[str] = tuple(FRAMES),
        split: str | Sequence[str] = 'train',
        *,
        labels: str | None = None,
        binary: bool = False,
        min_class_pixels: int = 1,
        data_root: str = 'data/AVSBench-semantic',
        metainfo: dict | None = None,
        **kwargs,
    ) -> None:
        self.subsets = (subsets,) if isinstance(subsets, str) else tuple(subsets)
        if not self.subsets or set(self.subsets) - set(FRAMES):
            raise ValueError(f'AVSBenchSemanticDataset: subsets takes {", ".join(FRAMES)}, got {subsets!r}')
        if labels not in (None, *LABEL_FOLDERS):
            raise ValueError(f'AVSBenchSemanticDataset: labels takes {", ".join(LABEL_FOLDERS)}, got {labels!r}')
        if binary and 'classes' in (metainfo or {}):
            raise ValueError('AVSBenchSemanticDataset: binary=True defines the classes; leave out metainfo.classes')
        if not isinstance(min_class_pixels, int) or min_class_pixels < 1:
            raise ValueError(
                f'AVSBenchSemanticDataset: min_class_pixels must be an integer of at least 1, got {min_class_pixels!r}'
            )
        self.labels = labels
        self.min_class_pixels = min_class_pixels
        self.binary = binary
        self.label_file = osp.join(data_root, LABEL_FILE)
        self.mask_hint = f'the classes of {self.label_file} have the values 0 to {NUM_CLASSES - 1}'
        self.class_names = read_label_file(self.label_file) if osp.isfile(self.label_file) else default_classes()
        classes = OBJECT_CLASSES if binary else self.class_names
        metainfo = dict(dict(classes=classes, palette=distinct_palette(len(classes))), **(metainfo or {}))
        super().__init__(split, data_root=data_root, metainfo=metainfo, ann_file='metadata.csv', **kwargs)

    def _all_classes(self) -> Sequence[str]:
        return OBJECT_CLASSES if self.binary else self.class_names

    def _class_source(self) -> str:
        return self.label_file

    def _make_label_table(self) -> np.ndarray:
        if not self.binary:
            return super()._make_label_table()
        table = np.full(256, UNKNOWN_VALUE, dtype=np.uint8)
        table[0], table[1:NUM_CLASSES] = 0, 1
        table[list(self.ignored_values or (IGNORE_INDEX,))] = IGNORE_INDEX
        return table

    def load_clips(self) -> Iterator[Clip]:
        """Yields the videos of the parts and splits, in the order of the annotation."""
        read_label_file(self.label_file)  # raises an error if it is missing
        first = None
        for line, row in self._own_rows():
            if row['label'] not in FRAMES:
                self._report(f'label {row["label"]!r} is not one of {", ".join(FRAMES)}', line, kind='unknown part')
            elif row['label'] in self.subsets:
                folder = osp.join(self.data_root, row['label'], row['uid'])
                first = _first_number(folder, FRAMES[row['label']]) if first is None else first
                yield self._clip(row, folder, first)

    def table_columns(self) -> tuple[tuple[str, ...], str]:
        """See :meth:`ClipDataset.table_columns`."""
        return ('uid', 'label', 'split'), 'uid'

    def clip_key(self, row: dict) -> str:
        """See :meth:`ClipDataset.clip_key`."""
        return f'{row["label"]}/{row["uid"]}'

    def _clip(self, row: dict, folder: str, first: int) -> Clip:
        count = FRAMES[row['label']]
        annotated = 1 if (row['label'], row['split']) == ('v1s', 'train') else count
        labels = self.labels or _label_folder(folder)
        return Clip(
            name=f'{row["label"]}/{row["uid"]}',
            frames=tuple(osp.join(folder, 'frames', f'{first + k}.jpg') for k in range(count)),
            masks=tuple(osp.join(folder, labels, f'{first + k}.png') if k < annotated else None for k in range(count)),
            audio_path=osp.join(folder, 'audio.wav'),
            audio_label=None,
            mask_encoding=LABEL_FOLDERS[labels],
        )


def _label_folder(folder: str) -> str:
    """``'labels_rgb'`` for clips that only have this folder, else ``'labels_semantic'``."""
    for name in LABEL_FOLDERS:
        if osp.isdir(osp.join(folder, name)):
            return name
    return 'labels_semantic'


def _first_number(folder: str, count: int) -> int:
    """Number of the first frame: 1 if the files are numbered from 1 to ``count``, else 0."""
    numbered = [osp.isfile(osp.join(folder, 'frames', f'{k}.jpg')) for k in (0, count)]
    return int(numbered == [False, True])

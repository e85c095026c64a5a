import logging
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from .annotation_table import RecordError
from .image_file import UNKNOWN_VALUE
from .mask_file import DEFAULT_HINT

NO_SAMPLE = 'has no sample: check `ann_file` of the dataset, and that it lists some'
_SPLITS = ('train', 'val', 'test')


@DATASETS.register_module()
class AVSegDataset(BaseSegDataset):
    """Base of the audio-visual datasets: one sample is one frame and the sounds that belong to it.

    A subclass says where the samples are in ``load_data_list``, as records of this form::

        {
            'img_path': 'data/VPO/VPO-MS/data/000000000009.jpg',
            'seg_map_path': 'data/VPO/VPO-MS/mask/000000000009.png',
            'sources': [
                {'audio_path': 'data/VPO/VGGSound/audios/abc_000030.wav', 'position': 0.31, 'label': 9},
            ],
            'audio_label': (9,),     # classes that sound, from the annotation and never from the crop
        }

    Samples that are frames of a video have more keys, see :class:`ClipDataset`.

    Args:
        mask_values: Value, in the mask PNGs, of each class of ``METAINFO`` in index order, background first. None
            where the PNGs hold the class indices themselves.
        kwargs: Those of mmseg's ``BaseSegDataset``; ``metainfo=dict(classes=...)`` with some of the classes trains on
            these and ignores the pixels of the others.

    Raises:
        RecordError: There is no sample.
    """

    mask_hint = DEFAULT_HINT
    """What to do about a mask value that belongs to no class, for messages."""

    def __init__(self, *args, mask_values: Sequence[int] | None = None, **kwargs) -> None:
        self.mask_values = mask_values
        # The samples need the label table, which needs the classes that the base class sets up.
        lazy_init = kwargs.pop('lazy_init', False)
        super().__init__(*args, lazy_init=True, **kwargs)
        self.label_table = self._make_label_table()
        if not lazy_init:
            self.full_init()

    def _make_label_table(self) -> np.ndarray:
        """uint8 (256,): mask value -> class index, the look-up table of ``LoadAVAnnotations``."""
        values = self.mask_values if self.mask_values is not None else range(len(self._all_classes()))
        table = np.full(256, UNKNOWN_VALUE, dtype=np.uint8)
        for index, value in enumerate(values):
            table[value] = index if self.label_map is None else self.label_map[index]
        table[self.ignore_index] = self.ignore_index
        return table

    def _all_classes(self) -> Sequence[str]:
        """The classes that the annotation knows, of which ``metainfo['classes']`` may be a part."""
        return self.METAINFO.get('classes') or self.metainfo['classes']

    def _class_source(self) -> str:
        """Where these classes are defined, for messages."""
        return f'{type(self).__name__}.METAINFO'

    def get_label_map(self, new_classes: Sequence[str] | None = None) -> dict[int, int] | None:
        """As in mmseg, but also where a file defines the classes: old index -> new index, 255 for those left out."""
        if new_classes is None or tuple(new_classes) == tuple(old := self._all_classes()):
            return None
        if unknown := [c for c in new_classes if c not in old]:
            raise ValueError(
                f'metainfo["classes"] holds {unknown}, which {self._class_source()} does not define; it '
                f'defines {", ".join(old)}'
            )
        return {i: list(new_classes).index(c) if c in new_classes else 255 for i, c in enumerate(old)}

    def filter_data(self) -> list[dict]:
        """As in mmengine; a dataset of which nothing is left is refused."""
        records = super().filter_data()
        if not records:
            self._refuse(NO_SAMPLE, kind='empty split')
        return records

    def get_data_info(self, idx: int) -> dict:
        """The record of a sample, with what all samples share: ``label_table`` and the keys that mmseg expects."""
        info = super().get_data_info(idx)
        info.update(label_table=self.label_table, reduce_zero_label=False, seg_fields=[])
        info.setdefault('mask_hint', self.mask_hint)
        return info

    def bad_record(self, error: RecordError) -> None:
        """Called by ``load_data_list`` for all that it finds wrong. Raises the error, or warns if it is not fatal.

        Who wants to see everything that is wrong at once replaces it on an instance, as ``check_dataset.py`` does;
        then ``load_data_list`` leaves the record out and goes on.
        """
        if error.fatal:
            raise error
        print_log(str(error), 'current', logging.WARNING)

    def _refuse(self, message: str, number: int | None = None, *, kind: str, fatal: bool = True) -> None:
        """:meth:`bad_record` for the annotation file, or its line ``number``."""
        where = self.ann_file or type(self).__name__
        if number is not None:
            where += f', line {number}'
        self.bad_record(RecordError(f'{where}: {message}', kind=kind, fatal=fatal))

    def _check_apart(self, column: str, used: Mapping[str, set], splits: Sequence[str]) -> None:
        """Warns of images, recordings or clips that this dataset's splits have in common with others.

        Args:
            column: Where they stand in the annotation.
            used: The values of each split.
            splits: Those of this dataset.
        """
        own = set().union(*(used.get(split, ()) for split in splits))
        for split in sorted(used.keys() - set(splits)):
            if common := sorted(own & used[split]):
                self._refuse(
                    f'{len(common)} values of {column} in split {" or ".join(splits)}, the first {common[0]}, '
                    f'are in split {split} too: results on either say little. Give each to one split',
                    kind='shared by splits',
                    fatal=False,
                )

    def _check_splits(self, found: Iterable[str], splits: Sequence[str]) -> None:
        """Warns of rows that are likely lost to a slip of the pen.

        Args:
            found: All values of the annotation's column ``split``.
            splits: Those of this dataset.
        """
        if odd := sorted(set(found) - {*_SPLITS, *splits}):
            self._refuse(
                f'leaves out the rows with split {", ".join(map(repr, odd))}, which is none of {", ".join(_SPLITS)}: '
                'correct them (blanks and capitals count), or name it in `split` of the dataset',
                kind='unknown split',
                fatal=False,
            )

    def load_data_list(self) -> list[dict]:
        """The records of all samples; what is wrong with them goes to :meth:`bad_record`."""
        raise NotImplementedError(f'{type(self).__name__} must say where its samples are: define load_data_list')

import logging
import os.path as osp
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmavs.utils.nearest import nearest_hint

from .annotation_table import AnnotationError, read_table
from .label_table import IGNORE_INDEX, UNKNOWN_VALUE, make_label_table
from .mask_file import DEFAULT_HINT
from .mask_reading import classes_in_mask, read_mask
from .transforms.mirroring import check_mirroring
from .transforms.nesting import flatten, name_of

NO_SAMPLE = 'has no sample: check `ann_file` of the dataset and its content'
_SPLITS = ('train', 'val', 'test')


@DATASETS.register_module()
class AVSegDataset(BaseSegDataset):
    """Base class of the audio-visual datasets: one sample is one frame and its audio.

    A subclass lists the samples in ``load_data_list``, as records of this form::

        {
            'img_path': 'data/VPO/VPO-MS/data/000000000009.jpg',
            'seg_map_path': 'data/VPO/VPO-MS/mask/000000000009.png',
            'sources': [
                {'audio_path': 'data/VPO/VGGSound/audios/abc_000030.wav', 'position': 0.31, 'label': 9},
            ],
            'audio_label': (9,),     # sounding classes, from the annotation and never from the crop
        }

    Samples that are frames of a video have more keys, see :class:`ClipDataset`. ``position`` is not needed for stereo
    recordings with ``LoadAudio(keep_channels=True)``.

    Masks are images of one channel. By default, their values are the class indices, and 255 marks pixels to ignore. A
    PNG with 1 bit per pixel is a mask of two classes.

    Args:
        mask_values: Value, in the mask files, of each class of ``METAINFO`` in index order, background first. None if
            the values are the class indices. ``(0, 255)`` reads masks with an object of value 255.
        ignored_values: Values, in the mask files, of pixels to ignore. None for 255, or for no value if 255 is one of
            ``mask_values``. The label of these pixels is 255 for any value in the file.
        kwargs: Arguments of mmseg's ``BaseSegDataset``. ``metainfo=dict(classes=...)`` with some of the classes trains
            with these and ignores the pixels of the others. ``ignore_index`` other than 255 and
            ``reduce_zero_label=True`` are not supported; ``mask_values`` and ``ignored_values`` replace them.

    Raises:
        AnnotationError: There is no sample.
        ValueError: An argument has an invalid value, or the pipeline mirrors or rotates images but not the channels of
            stereo audio (see :class:`AVRandomFlip`).
    """

    mask_hint = DEFAULT_HINT
    """Remedy for mask values without a class, for messages."""

    def __init__(
        self,
        *args,
        mask_values: Sequence[int] | None = None,
        ignored_values: Sequence[int] | None = None,
        metainfo: dict | None = None,
        **kwargs,
    ) -> None:
        self.mask_values = mask_values
        self.ignored_values = ignored_values
        _check_metainfo(metainfo)
        # The samples need the label table, which needs the classes that the base class sets up.
        lazy_init = kwargs.pop('lazy_init', False)
        super().__init__(*args, metainfo=metainfo, lazy_init=True, **kwargs)
        self._check_labels()
        check_mirroring(self.pipeline.transforms)
        self.label_table = self._make_label_table()
        self._check_annotation_step()
        if not lazy_init:
            self.full_init()

    def _check_labels(self) -> None:
        """Raises an error for arguments of mmseg that change the labels of background or ignored pixels."""
        name = type(self).__name__
        if self.ignore_index != IGNORE_INDEX:
            value = self.ignore_index if 0 <= self.ignore_index < 256 else 'VALUE'
            raise ValueError(
                f'{name}: ignore_index={self.ignore_index} is not supported: pixels to ignore have the label '
                f'{IGNORE_INDEX}, as padding, losses and metrics have by default. Remove it. If the masks mark such '
                f'pixels with another value than {IGNORE_INDEX}, set ignored_values=[{value}] instead'
            )
        if self.reduce_zero_label:
            raise ValueError(
                f'{name}: reduce_zero_label=True is not supported: class index 0 is background. If the mask value 0 '
                'marks pixels to ignore and the classes begin at 1, set mask_values=[1, 2, ...] and '
                'ignored_values=[0, 255] instead'
            )

    def _check_annotation_step(self) -> None:
        """Refuses mmseg's ``LoadAnnotations`` where mask values are not the class indices."""
        values = np.flatnonzero(self.label_table != UNKNOWN_VALUE)
        plain = any(name_of(t) == 'LoadAnnotations' for t in flatten(self.pipeline.transforms))
        if plain and (self.label_table[values] != values).any():
            raise ValueError(
                'LoadAnnotations of mmseg takes mask values as class indices, but the mask values of '
                f'{type(self).__name__} are not class indices: use LoadAVAnnotations in the pipeline'
            )

    def _make_label_table(self) -> np.ndarray:
        """uint8 (256,): mask value -> class index, the look-up table of ``LoadAVAnnotations``."""
        classes = self._all_classes()
        values = range(len(classes)) if self.mask_values is None else self.mask_values
        if len(values) != len(classes):
            raise ValueError(
                f'{type(self).__name__}: mask_values has {len(values)} values for {len(classes)} classes '
                f'({", ".join(classes)}); list one for each class, background first'
            )
        return make_label_table(values, label_map=self.label_map, ignored_values=self.ignored_values)

    def _all_classes(self) -> Sequence[str]:
        """All classes of the annotation; ``metainfo['classes']`` may select some of them."""
        return self.METAINFO.get('classes') or self.metainfo['classes']

    def _class_source(self) -> str:
        """The place where the classes are defined, for messages."""
        return f'{type(self).__name__}.METAINFO'

    def get_label_map(self, new_classes: Sequence[str] | None = None) -> dict[int, int] | None:
        """As in mmseg, and also for classes defined by a file: old index -> new index, 255 for classes left out."""
        if new_classes is None or tuple(new_classes) == tuple(old := self._all_classes()):
            return None
        if unknown := [c for c in new_classes if c not in old]:
            raise ValueError(
                f'metainfo["classes"] has {unknown}, which {self._class_source()} does not define'
                f'{nearest_hint(unknown[0], old) or "."} It defines {", ".join(old)}'
            )
        return {i: list(new_classes).index(c) if c in new_classes else 255 for i, c in enumerate(old)}

    def filter_data(self) -> list[dict]:
        """As in mmengine, with an error if no sample is left."""
        records = super().filter_data()
        if not records:
            self._report(NO_SAMPLE, kind='empty split')
        return records

    def get_data_info(self, idx: int) -> dict:
        """The record of a sample, completed by the keys that all samples share."""
        info = super().get_data_info(idx)
        info.update(label_table=self.label_table, reduce_zero_label=False, seg_fields=[])
        info.setdefault('mask_hint', self.mask_hint)
        if info.get('audio_label'):
            info['audio_label'] = tuple(label for label in info['audio_label'] if label != IGNORE_INDEX)
        return info

    def get_cat_ids(self, idx: int) -> list[int]:
        """The sounding classes of a sample, for ``ClassBalancedDataset`` of mmengine.

        They are those of ``audio_label``. If the annotation takes them from the mask, the mask is read.
        """
        info = self.get_data_info(idx)
        labels = info['audio_label']
        if labels is None:
            labels = classes_in_mask(read_mask(info['audio_label_path'], info), info.get('audio_label_min_pixels', 1))
        return list(labels)

    def read_rows(self, columns: Sequence[str], *, filled: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
        """Yields (line number, row) of ``ann_file``, a CSV file with a header, for ``load_data_list``.

        Args:
            columns: Required columns. Their order is free, and the file may have others.
            filled: Columns whose values must not be empty.

        Raises:
            FileNotFoundError: The file does not exist.
            KeyError: A column is missing.
            AnnotationError: A row has too few or too many values, or the file is not a CSV file in UTF-8.
        """
        if not osp.isfile(self.ann_file):
            raise FileNotFoundError(f'annotation not found: {self.ann_file}. {self._missing_hint()}')
        yield from read_table(self.ann_file, columns, report=self._report, filled=filled)

    def _missing_hint(self) -> str:
        """Remedy for a missing annotation file, for messages."""
        return 'Set `data_root` and `ann_file` of the dataset.'

    def class_index(self, name: str, line: int | None = None) -> int:
        """Index of a class of the annotation; 255 if ``metainfo['classes']`` leaves the class out.

        Args:
            name: The class.
            line: Line of ``ann_file``, for messages.

        Raises:
            AnnotationError: The annotation has no such class.
        """
        classes = tuple(self._all_classes())
        if name not in classes:
            self._report(
                f'class {name!r} is not in {self._class_source()}{nearest_hint(name, classes) or "."} '
                f'{self._class_remedy()}',
                line,
                kind='unknown class',
            )
            return IGNORE_INDEX
        index = classes.index(name)
        return index if self.label_map is None else self.label_map[index]

    def _class_remedy(self) -> str:
        """Remedy for an unknown class in the annotation, for messages."""
        return f'Correct the annotation, or add the class; known classes are {", ".join(self._all_classes())}'

    def parse_position(self, text: str, line: int | None = None, *, column: str = 'position') -> float:
        """The position of a source from a column of the annotation.

        Raises:
            AnnotationError: It is not a number in [0, 1].
        """
        try:
            position = float(text)
        except ValueError:
            position = float('nan')
        if not 0 <= position <= 1:
            self._report(f'{column} must lie in [0, 1], got {text!r}', line, kind='bad position')
        return position

    def on_annotation_error(self, error: AnnotationError) -> None:
        """Called by ``load_data_list`` for each error of the annotation. Raises it, or logs it if it is not fatal.

        ``check_dataset.py`` replaces this method on an instance to collect all errors; ``load_data_list`` then skips
        the row and continues.
        """
        if error.fatal:
            raise error
        print_log(str(error), 'current', logging.WARNING)

    def _report(self, message: str, line: int | None = None, *, kind: str, fatal: bool = True) -> None:
        """Calls :meth:`on_annotation_error` with an error of the annotation file or one of its lines."""
        where = self.ann_file or type(self).__name__
        if line is not None:
            where += f', line {line}'
        self.on_annotation_error(AnnotationError(f'{where}: {message}', kind=kind, fatal=fatal))

    def _warn_unknown_splits(self, found: Iterable[str], splits: Sequence[str]) -> None:
        """Warns of rows with an unknown split, which is likely misspelled.

        Args:
            found: All values of the annotation's column ``split``.
            splits: Those of this dataset.
        """
        if unknown := sorted(set(found) - {*_SPLITS, *splits}):
            self._report(
                f'rows with split {", ".join(map(repr, unknown))} are not used; known splits are {", ".join(_SPLITS)}: '
                'correct them (spaces and case matter), or add the value to `split` of the dataset',
                kind='unknown split',
                fatal=False,
            )

    def load_data_list(self) -> list[dict]:
        """The records of all samples; see :meth:`on_annotation_error` for errors in them."""
        raise NotImplementedError(f'{type(self).__name__} must define load_data_list, which lists its samples')


def _check_metainfo(metainfo: dict | None) -> None:
    """Raises an error for a misspelled ``classes`` or ``palette``; mmseg would store the key and not use it."""
    for key in (metainfo or {}).keys() - {'classes', 'palette'}:
        if hint := nearest_hint(str(key).lower(), ('classes', 'palette')):
            raise ValueError(f'metainfo of the dataset has the key {key!r}, which has no effect{hint}')

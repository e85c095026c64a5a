import os.path as osp
from collections.abc import Iterator, Sequence

from mmseg.registry import DATASETS

from mmavs.audio.mixing import is_position

from .avseg_dataset import AVSegDataset
from .label_table import IGNORE_INDEX
from .metainfo.distinct_palette import distinct_palette
from .metainfo.vpo_classes import ClassTable, load_class_table

_COLUMNS = ('img_Id', 'ann_Ids', 'cateName', 'vgg_file', 'audio_pos', 'split')
_FILLED = ('img_Id', 'ann_Ids', 'cateName', 'vgg_file', 'split')
_FOLDERS = dict(ss='VPO-SS', ms='VPO-MS', msmi='VPO-MSMI')
_NO_VAL = (
    '. To build a set with a validation split, use build_vpo.py --val-fraction 0.1, or name val in --splits. The '
    "released VPO has none: use a config that selects the checkpoint on the test set (split=['test', 'val'])"
)


def _metainfo(table: ClassTable) -> dict:
    return dict(classes=table.names, palette=distinct_palette(len(table.names)))


def is_multi_instance(row: dict) -> bool:
    """True if a row of the CSV belongs to an image with several instances of one class."""
    return row.get('multi_instance') in ('1', '1.0', 'True')


@DATASETS.register_module()
class VPODataset(AVSegDataset):
    """VPO (Visual Post-production): COCO images paired with VGGSound recordings (Sec. 3 of the paper).

    It reads the released sets and those built by ``tools/dataset_converters/build_vpo.py``. Files under ``data_root``::

        VPO-SS/vpo_ss_data_stereo.csv    VPO-SS/data/<class>/<img_Id>.jpg   VPO-SS/mask/<class>/<img_Id>_<ann_Ids>.png
        VPO-MS/vpo_ms_data_stereo.csv    VPO-MS/data/<img_Id>.jpg           VPO-MS/mask/<img_Id>.png
        VPO-MSMI/vpo_msmi_data_stereo.csv, likewise; its rows with multi_instance 0 have their files under VPO-MS
        VGGSound/audios/<vgg_file>.wav

    Rows whose ``split`` is misspelled are reported with a warning. ``check_dataset.py`` also reports duplicate rows,
    and images and recordings that several splits have in common.

    Args:
        subset: ``'ss'``, ``'ms'`` or ``'msmi'``.
        split: Value of the column ``split``, or several: the released test set is ``['test', 'val']``.
        multi_instance: True keeps only the images with several instances of one class, False only the others, None
            all. Only MSMI has images with several instances of one class.
        audio_dir: Folder of the recordings, absolute or relative to ``data_root``, for example of the copies made by
            ``tools/dataset_converters/resample_audio.py``.
        class_file: The class file that the dataset was built with (see ``vpo_classes.yaml``). None for VPO's classes.
        kwargs: Other arguments of :class:`AVSegDataset`.

    Raises:
        FileNotFoundError: The CSV does not exist.
        KeyError: A column is missing.
        AnnotationError: The CSV has a class that is not in the class file, an incomplete row, a position outside
            [0, 1], or no sample of the split; or it is not a CSV file in UTF-8.
    """

    METAINFO = _metainfo(load_class_table())
    mask_hint = 'set `class_file` of the dataset to the class file that the masks were made with'

    def __init__(
        self,
        subset: str = 'msmi',
        split: str | Sequence[str] = 'train',
        *,
        multi_instance: bool | None = None,
        audio_dir: str = 'VGGSound/audios',
        class_file: str | None = None,
        data_root: str = 'data/VPO',
        metainfo: dict | None = None,
        **kwargs,
    ) -> None:
        if subset not in _FOLDERS:
            raise ValueError(f'VPODataset: subset must be one of {", ".join(_FOLDERS)}, got {subset!r}')
        self.subset = subset
        self.splits = (split,) if isinstance(split, str) else tuple(split)
        self.multi_instance = multi_instance
        self.audio_dir = audio_dir
        self.class_table = load_class_table(class_file)
        if class_file is not None:
            metainfo = {**_metainfo(self.class_table), **(metainfo or {})}
        super().__init__(
            data_root=data_root,
            metainfo=metainfo,
            mask_values=self.class_table.mask_ids,
            ann_file=f'{_FOLDERS[subset]}/vpo_{subset}_data_stereo.csv',
            **kwargs,
        )

    def _all_classes(self) -> Sequence[str]:
        return self.class_table.names

    def _class_source(self) -> str:
        return self.class_table.path

    def _class_remedy(self) -> str:
        return 'Correct the annotation, or set `class_file` of the dataset to the class file that it was built with'

    def load_data_list(self) -> list[dict]:
        """Groups the rows of the CSV into samples: one per row in SS, one per image in MS and MSMI."""
        samples: dict[int | tuple, dict] = {}
        used_splits: set[str] = set()
        for line, row in self.read_all_rows():
            used_splits.add(row['split'])
            multi = is_multi_instance(row)
            if row['split'] not in self.splits or self.multi_instance not in (None, multi):
                continue
            source = self._parse_source(row, line)
            if source is None:
                continue
            paths = self._paths(row, multi)
            key = line if self.subset == 'ss' else paths
            sample = samples.setdefault(
                key, dict(img_path=paths[0], seg_map_path=paths[1], sources=[], multi_instance=multi)
            )
            sample['sources'].append(source)
        self._warn_unknown_splits(used_splits, self.splits)
        if not samples:
            which = '' if self.multi_instance is None else f' with multi_instance {int(self.multi_instance)}'
            remedy = _NO_VAL if self.splits == ('val',) else ''
            self._report(
                f'has no sample of split {" or ".join(self.splits)}{which}: check `split` and `multi_instance` of the '
                f'dataset{remedy}',
                kind='empty split',
            )
        for sample in samples.values():
            labels = {s['label'] for s in sample['sources']}
            sample['audio_label'] = tuple(sorted(labels - {IGNORE_INDEX}))
        return list(samples.values())

    def read_all_rows(self) -> Iterator[tuple[int, dict]]:
        """Yields (line number, row) of the CSV, of all splits."""
        columns = (*_COLUMNS, 'multi_instance') if self.subset == 'msmi' else _COLUMNS
        return self.read_rows(columns, filled=_FILLED)

    def _missing_hint(self) -> str:
        return (
            f'Set `data_root` to the folder that contains {_FOLDERS[self.subset]}; data/README.md describes how to get '
            'or build VPO.'
        )

    def _parse_source(self, row: dict, line: int) -> dict | None:
        """The sounding object of a row; None if the row has an error that ``on_annotation_error`` does not raise."""
        label = self.class_index(row['cateName'], line)
        position = self.parse_position(row['audio_pos'], line, column='audio_pos')
        if row['cateName'] not in self._all_classes() or not is_position(position):
            return None
        path = osp.join(self.data_root, self.audio_dir, f'{row["vgg_file"]}.wav')
        return dict(audio_path=path, position=position, label=label)

    def _paths(self, row: dict, multi_instance: bool) -> tuple:
        """Image and mask file of a row."""
        image = row['img_Id'].zfill(12)
        if self.subset == 'ss':
            root = osp.join(self.data_root, 'VPO-SS')
            name = row['cateName']
            return (
                osp.join(root, 'data', name, f'{image}.jpg'),
                osp.join(root, 'mask', name, f'{image}_{row["ann_Ids"].zfill(12)}.png'),
            )
        root = osp.join(self.data_root, 'VPO-MSMI' if multi_instance and self.subset == 'msmi' else 'VPO-MS')
        return osp.join(root, 'data', f'{image}.jpg'), osp.join(root, 'mask', f'{image}.png')

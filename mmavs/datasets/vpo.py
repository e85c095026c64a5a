import os.path as osp
from collections import defaultdict
from collections.abc import Iterator, Sequence

from mmseg.registry import DATASETS

from .annotation_table import RecordError, read_table
from .avseg_dataset import AVSegDataset
from .metainfo.palette import bit_interleaved_palette
from .metainfo.vpo_classes import ClassTable, load_class_table

_COLUMNS = ('img_Id', 'ann_Ids', 'cateName', 'vgg_file', 'audio_pos', 'split')
_FILLED = ('img_Id', 'ann_Ids', 'cateName', 'vgg_file', 'split')
_FOLDERS = dict(ss='VPO-SS', ms='VPO-MS', msmi='VPO-MSMI')
_NO_VAL = (
    '. A build gets a validation set by build_vpo.py --val-fraction 0.1, or by val in --splits. For the released VPO, '
    "which has none, take a config that selects on the test set (split=['test', 'val'])"
)


def _metainfo(table: ClassTable) -> dict:
    return dict(classes=table.names, palette=bit_interleaved_palette(len(table.names)))


@DATASETS.register_module()
class VPODataset(AVSegDataset):
    """VPO: images of COCO paired with recordings of VGGSound (Sec. 3 of the paper), as released or as built by
    ``tools/dataset_converters/build_vpo.py``.

    Under ``data_root`` lie ``VPO-SS``, ``VPO-MS``, ``VPO-MSMI`` (CSV, ``data``, ``mask``) and the recordings::

        VPO-SS/vpo_ss_data_stereo.csv    VPO-SS/data/<class>/<img_Id>.jpg   VPO-SS/mask/<class>/<img_Id>_<ann_Ids>.png
        VPO-MS/vpo_ms_data_stereo.csv    VPO-MS/data/<img_Id>.jpg           VPO-MS/mask/<img_Id>.png
        VPO-MSMI/vpo_msmi_data_stereo.csv, likewise; its rows with multi_instance 0 have their files under VPO-MS
        VGGSound/audios/<vgg_file>.wav

    Args:
        subset: ``'ss'``, ``'ms'`` or ``'msmi'``.
        split: Value of the CSV's column ``split``, or several: the released test set is ``['test', 'val']``.
        multi_instance: True keeps only the images with several instances of one class, False only the others, None
            all. Only MSMI has the former.
        audio_dir: Folder of the recordings, below ``data_root`` unless absolute; say, of the copies that
            ``tools/dataset_converters/resample_audio.py`` made.
        class_file: The class file that the dataset was built with (see ``vpo_classes.yaml``); None for VPO's classes.
        kwargs: Those of :class:`AVSegDataset`.

    Warns of lines that repeat another word for word or, but for SS, list its object again; of splits that are none of
    train, val and test; and of images and recordings that other splits have too.

    Raises:
        FileNotFoundError: The CSV is not there.
        KeyError: It lacks a column.
        RecordError: It has a class that the class file does not know, an incomplete line, a position outside [0, 1],
            or no sample of the split; or it is no CSV in UTF-8.
    """

    METAINFO = _metainfo(load_class_table())

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

    def load_data_list(self) -> list[dict]:
        """Groups the rows of the CSV into samples: in SS a row is a sample, elsewhere the rows of one image are."""
        samples: dict[int | tuple, dict] = {}
        for number, row, multi in self._own_rows():
            paths = self._paths(row, multi)
            try:
                source = self._parse_source(row, number)
            except RecordError as error:
                self.bad_record(error)
                continue
            key = number if self.subset == 'ss' else paths
            sample = samples.setdefault(
                key, dict(img_path=paths[0], seg_map_path=paths[1], sources=[], multi_instance=multi)
            )
            sample['sources'].append(source)
        if not samples:
            which = '' if self.multi_instance is None else f' with multi_instance {int(self.multi_instance)}'
            remedy = _NO_VAL if self.splits == ('val',) else ''
            self._refuse(
                f'has no sample of split {" or ".join(self.splits)}{which}: check `split` and `multi_instance` of the '
                f'dataset{remedy}',
                kind='empty split',
            )
        for sample in samples.values():
            labels = {s['label'] for s in sample['sources']}
            sample['audio_label'] = tuple(sorted(labels - {self.ignore_index}))
        return list(samples.values())

    def _own_rows(self) -> Iterator[tuple[int, dict, bool]]:
        """Yields (line number, row, whether several instances) of the wanted rows."""
        rows: dict[tuple, int] = {}
        objects: dict[tuple, int] = {}
        used: dict[str, dict[str, set]] = {column: defaultdict(set) for column in ('img_Id', 'vgg_file')}
        for number, row in self._read_rows():
            for column, values in used.items():
                values[row['split']].add(row[column])
            multi = row.get('multi_instance') in ('1', '1.0', 'True')
            if row['split'] not in self.splits or self.multi_instance not in (None, multi):
                continue
            item = row['img_Id'], row['ann_Ids'], multi
            if (first := rows.setdefault(tuple(row.values()), number)) != number:
                self._refuse(f'repeats line {first}, and counts; remove one', number, kind='duplicate row', fatal=False)
            elif self.subset != 'ss' and (first := objects.setdefault(item, number)) != number:
                self._refuse(
                    f'lists object {row["ann_Ids"]} of image {row["img_Id"]} like line {first}, so that it sounds '
                    'twice; remove one',
                    number,
                    kind='repeated object',
                    fatal=False,
                )
            yield number, row, multi
        self._check_splits(used['img_Id'], self.splits)
        for column, values in used.items():
            self._check_apart(column, values, self.splits)

    def _read_rows(self) -> Iterator[tuple[int, dict]]:
        """Yields (line number, row) of the CSV."""
        if not osp.isfile(self.ann_file):
            raise FileNotFoundError(
                f'VPO annotation not found: {self.ann_file}. Set `data_root` to the folder that '
                f'holds {_FOLDERS[self.subset]}; data/README.md says how to get or build it.'
            )
        columns = (*_COLUMNS, 'multi_instance') if self.subset == 'msmi' else _COLUMNS
        yield from read_table(self.ann_file, columns, refuse=self._refuse, filled=_FILLED)

    def _parse_source(self, row: dict, number: int) -> dict:
        """The sounding object of one row."""
        name = row['cateName']
        if name not in self.class_table.names:
            raise RecordError(
                f'{self.ann_file}, line {number}: class {name!r} is not in {self.class_table.path}; set '
                '`class_file` of the dataset to the class file that it was built with',
                kind='unknown class',
            )
        label = self.class_table.names.index(name)
        if self.label_map is not None:
            label = self.label_map[label]
        try:
            position = float(row['audio_pos'])
        except ValueError:
            position = float('nan')
        if not 0 <= position <= 1:
            raise RecordError(
                f'{self.ann_file}, line {number}: audio_pos must lie in [0, 1], got {row["audio_pos"]!r}',
                kind='bad position',
            )
        path = osp.join(self.data_root, self.audio_dir, f'{row["vgg_file"]}.wav')
        return dict(audio_path=path, position=position, label=label)

    def _paths(self, row: dict, multi_instance: bool) -> tuple:
        """Image and mask of a row."""
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

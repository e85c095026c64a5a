import numpy as np
import pytest
from mmengine.dataset import ClassBalancedDataset
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmavs.datasets import AVSegDataset
from mmavs.datasets.annotation_table import AnnotationError
from mmavs.datasets.label_table import UNKNOWN_VALUE


class TwoPets(AVSegDataset):
    METAINFO = dict(classes=('background', 'cat', 'dog'), palette=[[0, 0, 0], [255, 0, 0], [0, 255, 0]])

    def load_data_list(self):
        source = dict(audio_path='a.wav', position=0.25, label=1)
        return [
            dict(img_path=f'{i}.jpg', seg_map_path=f'{i}.png', sources=[source], audio_label=(1,)) for i in range(3)
        ]


def table_of(**kwargs):
    table = TwoPets(**kwargs).label_table
    assert table.shape == (256,)
    assert table.dtype == np.uint8
    return {int(i): int(v) for i, v in enumerate(table) if v != UNKNOWN_VALUE}


@pytest.mark.parametrize(
    ('kwargs', 'truth'),
    [
        ({}, {0: 0, 1: 1, 2: 2, 255: 255}),
        (dict(mask_values=(0, 255, 7)), {0: 0, 255: 1, 7: 2}),
        (dict(mask_values=(0, 255, 7), ignored_values=[9]), {0: 0, 255: 1, 7: 2, 9: 255}),
        (dict(mask_values=(1, 2, 3), ignored_values=[0, 255]), {1: 0, 2: 1, 3: 2, 0: 255, 255: 255}),
        (dict(mask_values=(0, 5, 3)), {0: 0, 5: 1, 3: 2, 255: 255}),
        (dict(metainfo=dict(classes=('background', 'dog'))), {0: 0, 1: 255, 2: 1, 255: 255}),
        (dict(mask_values=(0, 5, 3), metainfo=dict(classes=('dog', 'cat'))), {0: 255, 5: 1, 3: 0, 255: 255}),
    ],
)
def test_label_table(kwargs, truth):
    assert table_of(**kwargs) == truth


def test_record():
    info = TwoPets().get_data_info(2)
    assert info['img_path'] == '2.jpg'
    assert info['sample_idx'] == 2
    assert info['sources'] == [dict(audio_path='a.wav', position=0.25, label=1)]
    assert info['reduce_zero_label'] is False
    assert info['seg_fields'] == []


def test_records_are_independent():
    """Changes of a record by a pipeline have no effect on the next reading."""
    dataset = TwoPets()
    first = dataset.get_data_info(0)
    first['seg_fields'].append('gt_seg_map')
    first['sources'][0]['position'] = 0.9
    again = dataset.get_data_info(0)
    assert again['seg_fields'] == []
    assert again['sources'][0]['position'] == 0.25


def test_lazy_init():
    dataset = TwoPets(lazy_init=True)
    assert not dataset._fully_initialized
    dataset.full_init()
    assert len(dataset) == 3


def test_indices_and_registry():
    init_default_scope('mmseg')
    with DATASETS.switch_scope_and_registry('mmseg') as registry:
        assert registry.get('AVSegDataset') is AVSegDataset
    assert len(TwoPets(indices=2)) == 2


def test_load_data_list_is_for_subclasses():
    with pytest.raises(NotImplementedError, match='AVSegDataset must define load_data_list'):
        AVSegDataset(metainfo=dict(classes=('background', 'cat')))


class NoPets(TwoPets):
    def load_data_list(self):
        return []


@pytest.mark.parametrize('serialize', [True, False])
@pytest.mark.parametrize(('ann_file', 'where'), [('pets.csv', r'pets\.csv'), ('', 'NoPets')])
def test_without_a_sample(serialize, ann_file, where):
    dataset = NoPets(ann_file=ann_file, serialize_data=serialize, lazy_init=True)
    with pytest.raises(AnnotationError, match=f'^{where}: has no sample: check `ann_file`'):
        dataset.full_init()


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(ignore_index=2), r'TwoPets: ignore_index=2 is not supported.*ignored_values=\[2\]'),
        (dict(ignore_index=-1), r'TwoPets: ignore_index=-1 is not supported.*ignored_values=\[VALUE\]'),
        (dict(reduce_zero_label=True), r'reduce_zero_label=True is not supported.*ignored_values=\[0, 255\]'),
        (dict(mask_values=(0, 1)), r'mask_values has 2 values for 3 classes \(background, cat, dog\)'),
        (dict(mask_values=(0, 1, 256)), r'must lie in \[0, 255\], got \[256\]'),
        (dict(mask_values=(0, 1, 1)), r'\[1\] for more than one class'),
        (dict(ignored_values=[2]), r'\[2\] are in mask_values and in ignored_values'),
        (
            dict(metainfo=dict(CLASSES=('background', 'cat'))),
            "key 'CLASSES', which has no effect; did you mean 'classes'",
        ),
        (dict(metainfo=dict(classes=('background', 'cats'))), r"\['cats'\].* did you mean 'cat'"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        TwoPets(lazy_init=True, **kwargs)


def test_annotation_step_of_mmseg_needs_mask_values_that_are_class_indices():
    step = dict(type='LoadAnnotations')
    TwoPets(lazy_init=True, pipeline=[step])
    for pipeline in ([step], [dict(type='RandomApply', transforms=step)]):
        with pytest.raises(ValueError, match='mask values of TwoPets are not class indices: use LoadAVAnnotations'):
            TwoPets(lazy_init=True, pipeline=pipeline, mask_values=(0, 5, 3))


def test_number_of_classes_is_limited():
    names = [f'class {i}' for i in range(255)]
    table = AVSegDataset(metainfo=dict(classes=names[:254]), lazy_init=True).label_table
    assert table[253] == 253
    with pytest.raises(ValueError, match='255 classes are too many: masks have 8 bits, which hold at most 254'):
        AVSegDataset(metainfo=dict(classes=names), lazy_init=True)


class CsvPets(TwoPets):
    def load_data_list(self):
        records = []
        for line, row in self.read_rows(['class', 'position']):
            label = self.class_index(row['class'], line)
            position = self.parse_position(row['position'], line)
            source = dict(audio_path='a.wav', position=position, label=label)
            records.append(dict(img_path='a.jpg', seg_map_path='a.png', sources=[source], audio_label=(label,)))
        return records


def pets(tmp_path, *rows, **kwargs):
    (tmp_path / 'pets.csv').write_text('\n'.join(['class,position', *rows]))
    return CsvPets(data_root=str(tmp_path), ann_file='pets.csv', **kwargs)


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        ('dgo,0.5', r"pets\.csv, line 3: class 'dgo' is not in CsvPets.METAINFO; did you mean 'dog'\? .*cat, dog"),
        ('zebra,0.5', r"line 3: class 'zebra' is not in CsvPets.METAINFO\. Correct"),
        ('dog,left', r"line 3: position must lie in \[0, 1\], got 'left'"),
        ('dog', 'line 3: fewer values than columns'),
    ],
)
def test_errors_in_own_annotations_name_the_line(tmp_path, row, message):
    with pytest.raises(AnnotationError, match=message):
        pets(tmp_path, 'cat,0.5', row)


def test_all_errors_in_own_annotations_are_collected(tmp_path):
    dataset, errors = pets(tmp_path, 'dgo,0', 'cat,2', 'cat,1', lazy_init=True), []
    dataset.on_annotation_error = errors.append
    assert len(dataset.load_data_list()) == 3
    assert [e.kind for e in errors] == ['unknown class', 'bad position']


def test_missing_own_annotation(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nothing\.csv.*`ann_file`'):
        CsvPets(data_root=str(tmp_path), ann_file='nothing.csv')


def test_some_classes_of_own_annotations(tmp_path):
    """The label of a class that is left out is ignored, and the class does not count as sounding."""
    dataset = pets(tmp_path, 'cat,0', 'dog,1', metainfo=dict(classes=('background', 'dog')))
    assert [dataset.get_data_info(i)['audio_label'] for i in range(2)] == [(), (1,)]
    assert [dataset.get_cat_ids(i) for i in range(2)] == [[], [1]]


def test_class_balanced_sampling():
    """Of ten samples, one has a dog: it is repeated."""

    class TenPets(TwoPets):
        def load_data_list(self):
            return [
                dict(img_path=str(i), seg_map_path=None, sources=[], audio_label=(2 if i == 4 else 1,))
                for i in range(10)
            ]

    balanced = ClassBalancedDataset(TenPets(), oversample_thr=0.4)
    images = [balanced.get_data_info(i)['img_path'] for i in range(len(balanced))]
    assert images.count('4') == 2 and len(images) == 11

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmavs.datasets import AVSegDataset
from mmavs.datasets.annotation_table import RecordError
from mmavs.datasets.image_file import UNKNOWN_VALUE


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
    """What a pipeline does to one record must not reach the next reading of it."""
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
    with pytest.raises(NotImplementedError, match='AVSegDataset must say where its samples are'):
        AVSegDataset(metainfo=dict(classes=('background', 'cat')))


class NoPets(TwoPets):
    def load_data_list(self):
        return []


@pytest.mark.parametrize('serialize', [True, False])
@pytest.mark.parametrize(('ann_file', 'where'), [('pets.csv', r'pets\.csv'), ('', 'NoPets')])
def test_without_a_sample(serialize, ann_file, where):
    dataset = NoPets(ann_file=ann_file, serialize_data=serialize, lazy_init=True)
    with pytest.raises(RecordError, match=f'^{where}: has no sample: check `ann_file`'):
        dataset.full_init()

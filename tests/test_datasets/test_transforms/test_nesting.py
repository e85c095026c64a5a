from types import SimpleNamespace

from mmengine.dataset import ConcatDataset
from mmengine.registry import init_default_scope
from mmseg.datasets import MultiImageMixDataset
from mmseg.registry import TRANSFORMS

from mmavs.datasets import AVSegDataset
from mmavs.datasets.transforms.nesting import flatten, list_pipelines, name_of


class Pets(AVSegDataset):
    METAINFO = dict(classes=('background', 'cat'))

    def load_data_list(self):
        return [dict(img_path='a.jpg', seg_map_path=None, sources=[], audio_label=(1,))]


def names(pipeline):
    return [name_of(t) for t in pipeline if name_of(t) != 'Compose']


def test_pipelines_of_wrapped_datasets_are_in_the_order_of_a_sample():
    init_default_scope('mmseg')
    first, second = (Pets(pipeline=[dict(type=name)]) for name in ('LoadAudio', 'PackAVSegInputs'))
    mixed = MultiImageMixDataset(ConcatDataset([first, second]), [dict(type='AVRandomFlip', prob=1.0)])
    last = TRANSFORMS.build(dict(type='PhotoMetricDistortion'))
    outer = SimpleNamespace(dataset=SimpleNamespace(dataset=mixed), pipeline=[last])
    assert [names(p) for p in list_pipelines(outer)] == [
        ['LoadAudio', 'AVRandomFlip', 'PhotoMetricDistortion'],
        ['PackAVSegInputs', 'AVRandomFlip', 'PhotoMetricDistortion'],
    ]


def test_a_dataset_without_a_pipeline_has_no_transforms():
    assert list(list_pipelines(range(3))) == [[]]


def test_transforms_inside_of_others_follow_them():
    init_default_scope('mmseg')
    flip = dict(type='AVRandomFlip', prob=0.5)
    apply = TRANSFORMS.build(dict(type='RandomApply', transforms=[flip, dict(type='LoadAudio')]))
    assert names(flatten([apply])) == ['RandomApply', 'AVRandomFlip', 'LoadAudio']
    albu = SimpleNamespace(transforms=[dict(type='OneOf', transforms=[dict(type='Transpose')])])
    assert names(flatten([albu]))[1:] == ['OneOf', 'Transpose']

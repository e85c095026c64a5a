"""Problems of datasets of users: their records, and classes that cannot be built."""

import pytest
from av_tree import CAT, DOG, av_config, image_path, mask_path, sound_path, write_clean_tree

from mmavs.data_tools.checking.check import check_config
from mmavs.datasets import AVSegDataset


@pytest.fixture
def root(tmp_path):
    return write_clean_tree(tmp_path / 'data')


def check(cfg):
    return check_config(cfg, workers=1)


class OwnDataset(AVSegDataset):
    """A user's dataset; its records are an argument."""

    METAINFO = dict(classes=('background', 'cat', 'dog'), palette=[[0, 0, 0], [255, 0, 0], [0, 255, 0]])

    def __init__(self, records, **kwargs):
        self.records = records
        super().__init__(mask_values=(0, CAT.mask_id, DOG.mask_id), **kwargs)

    def load_data_list(self):
        if self.records is None:
            raise AttributeError('an error in user code')
        return self.records


def own_config(root, records):
    cfg = av_config(root, loaders=('train',))
    dataset = dict(type=OwnDataset, ann_file=str(root / 'own.csv'), records=records)
    cfg.train_dataloader.dataset = dict(dataset, pipeline=cfg.train_dataloader.dataset.pipeline)
    return cfg


def own_record(root, **source):
    source = dict(dict(audio_path=str(sound_path(root, 0)), position=0.25, label=1), **source)
    return dict(img_path=str(image_path(root, 0)), seg_map_path=str(mask_path(root, 0)), sources=[source])


@pytest.mark.parametrize('position', [1.5, float('nan'), None, '0.5'])
def test_position_of_a_dataset_of_the_user(root, position):
    (problem,) = check(own_config(root, [own_record(root, position=position)]))[0]
    assert problem[:2] == ('error', 'bad position') and problem.path == str(image_path(root, 0))
    assert str(sound_path(root, 0)) in problem.detail and problem.detail.endswith(f'got {position!r}')


@pytest.mark.parametrize(
    ('records', 'kind', 'detail'),
    [
        ([], 'empty split', 'has no sample: check `ann_file`'),
        (None, 'bad annotation', 'AttributeError: an error in user code'),
        (
            [dict(img='a.jpg')],
            'invalid sample',
            'record 0 does not have the form that AVSegDataset describes: KeyError: img_path',
        ),
    ],
)
def test_dataset_of_the_user_without_proper_records(root, records, kind, detail):
    (problem,) = check(own_config(root, records))[0]
    assert problem[:3] == ('error', kind, str(root / 'own.csv')) and problem.detail.startswith(detail)


def test_label_beyond_the_classes(root):
    assert [p.kind for p in check(own_config(root, [own_record(root, label=3)]))[0]] == ['invalid sample']


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(type='Unicorn'), 'KeyError: Unicorn is not in the mmseg::dataset registry'),
        (dict(color='red'), "TypeError: .* unexpected keyword argument 'color'"),
        (dict(subset='mm'), 'VPODataset: subset must be one of'),
    ],
)
def test_dataset_that_cannot_be_built(root, change, message):
    cfg = av_config(root)
    cfg.test_dataloader.dataset.update(change)
    with pytest.raises(ValueError, match=f'test_dataloader.dataset of the config cannot be built: {message}'):
        check(cfg)

import numpy as np
import pytest
from avsbench_tree import object_mask, write_image, write_recording

from mmavs.datasets import ClipDataset
from mmavs.datasets.clip_dataset import Clip, is_file_name

PIPELINE = [
    dict(type='LoadFrame'),
    dict(type='LoadAudio', duration=1.0, channels=1),
    dict(type='LoadAVAnnotations'),
    dict(type='PackAVSegInputs'),
]


class Videos(ClipDataset):
    """A custom dataset: videos of three frames with the given annotation."""

    METAINFO = dict(classes=('background', 'thing'), palette=[[0, 0, 0], [9, 9, 9]])

    def __init__(self, masks, **kwargs):
        self.masks = masks
        super().__init__(**kwargs)

    def load_clips(self):
        if self.masks:
            frames = tuple(f'{self.data_root}/{k}.jpg' for k in range(3))
            masks = tuple(f'{self.data_root}/{k}.png' if there else None for k, there in enumerate(self.masks))
            yield Clip('mine', frames, masks, f'{self.data_root}/sound.wav', None, 'index')


@pytest.fixture
def root(tmp_path):
    for k in range(3):
        mask = object_mask(k, value=1)
        write_image(tmp_path / f'{k}.jpg', np.stack([mask * 200] * 3, -1))
        write_image(tmp_path / f'{k}.png', mask if k else np.zeros_like(mask))
    write_recording(tmp_path / 'sound.wav', 3)
    return tmp_path


@pytest.mark.parametrize(
    ('masks', 'labels', 'sounds'),
    [
        ((True, True, True), [{0}, {0, 1}, {0, 1}], [(), (1,), (1,)]),
        ((False, True, False), [{255}, {0, 1}, {255}], [(1,), (1,), (1,)]),
        ((False, False, False), [{255}, {255}, {255}], [(), (), ()]),
    ],
)
def test_videos_of_your_own(root, masks, labels, sounds):
    dataset = Videos(masks, data_root=str(root), pipeline=PIPELINE)
    samples = [dataset[i]['data_samples'] for i in range(3)]
    assert [set(np.unique(s.gt_sem_seg.data)) for s in samples] == labels
    assert [s.metainfo['audio_label'] for s in samples] == sounds
    assert [(s.metainfo['clip'], s.metainfo['frame']) for s in samples] == [('mine', k) for k in range(3)]
    if any(masks):
        only = Videos(masks, data_root=str(root), annotated_only=True)
        assert [r['frame'] for r in map(only.get_data_info, range(len(only)))] == np.flatnonzero(masks).tolist()


def test_without_any_clip(root):
    with pytest.raises(ValueError, match=r'list\.csv: has no clip of split train: check `split` and `subset`'):
        Videos((), data_root=str(root), ann_file='list.csv')


@pytest.mark.parametrize(('name', 'fits'), [('a b.c', True), ('', False), ('..', False), ('a/b', False), ('/a', False)])
def test_valid_file_names(name, fits):
    assert is_file_name(name) == fits

import numpy as np
import pytest
import torch

from mmavs.datasets.transforms import PackAVSegInputs


@pytest.fixture
def sample():
    return dict(
        img=np.random.randint(0, 255, (4, 6, 3), np.uint8),
        audio=torch.randn(2, 50),
        img_path='a.jpg',
        seg_map_path='a.png',
        gt_seg_map=np.random.randint(0, 9, (4, 6)).astype(np.uint8),
        seg_fields=['gt_seg_map'],
        ori_shape=(4, 6),
        img_shape=(4, 6),
        audio_label=(3, 5),
        sources=[dict(audio_path='a.wav', position=0.2, label=3)],
        reduce_zero_label=False,
        flip=True,
    )


def test_packs(sample):
    packed = PackAVSegInputs()(sample)
    assert set(packed) == {'inputs', 'data_samples'}
    inputs, data_sample = packed['inputs'], packed['data_samples']
    assert torch.equal(inputs['img'], torch.from_numpy(sample['img'].transpose(2, 0, 1).copy()))
    assert inputs['img'].dtype == torch.uint8
    assert inputs['audio'] is sample['audio']
    assert data_sample.gt_sem_seg.data.shape == (1, 4, 6)
    np.testing.assert_array_equal(data_sample.gt_sem_seg.data[0], sample['gt_seg_map'])
    assert data_sample.audio_label == (3, 5)
    assert data_sample.sources == sample['sources']
    assert data_sample.metainfo['flip'] is True
    assert data_sample.ori_shape == (4, 6)
    assert 'category' not in data_sample


def test_category_window_of_a_crop_and_sample_rate(sample):
    meta = dict(category='dog', crop_window=(0, 1, 0.5, 1), sample_rate=8000)
    data_sample = PackAVSegInputs()(sample | meta)['data_samples']
    assert data_sample.category == 'dog'
    assert data_sample.crop_window == (0, 1, 0.5, 1)
    assert data_sample.sample_rate == 8000


def test_without_label(sample):
    del sample['gt_seg_map']
    assert 'gt_sem_seg' not in PackAVSegInputs()(sample)['data_samples']


def test_chosen_meta_keys(sample):
    packed = PackAVSegInputs(meta_keys=('audio_label',))(sample)
    assert packed['data_samples'].metainfo == dict(audio_label=(3, 5))


@pytest.mark.parametrize(
    ('audio', 'found'),
    [
        (None, 'NoneType'),
        (np.zeros((2, 5)), 'ndarray'),
        (torch.zeros(5), r'shape \(5,\)'),
        (torch.zeros(1, 2, 5), r'shape \(1, 2, 5\)'),
    ],
)
def test_bad_audio(sample, audio, found):
    sample['audio'] = audio
    with pytest.raises(ValueError, match=rf'tensor \(channels, samples\), got .*{found}.*is LoadAudio in the pipeline'):
        PackAVSegInputs()(sample)


def test_missing_audio(sample):
    del sample['audio']
    with pytest.raises(ValueError, match='is LoadAudio in the pipeline'):
        PackAVSegInputs()(sample)


def test_repr():
    assert repr(PackAVSegInputs(meta_keys=('flip',))) == "PackAVSegInputs(meta_keys=('flip',))"

import numpy as np
import pytest
import soundfile
from mmcv.transforms import Compose
from mmseg.datasets.transforms import RandomCrop

from mmavs.datasets.transforms import AVRandomCrop


def sample(height=40, width=80, position=0.5):
    """An image whose pixels hold their own row and column."""
    rows, columns = np.mgrid[:height, :width]
    img = np.stack([rows, columns, rows], axis=-1).astype(np.uint8)
    return dict(
        img=img,
        img_shape=img.shape[:2],
        gt_seg_map=img[..., 0],
        seg_fields=['gt_seg_map'],
        sources=[dict(audio_path='a.wav', position=position)],
    )


@pytest.mark.parametrize('cat_max_ratio', [1.0, 0.1])
def test_window_is_where_the_crop_lies(cat_max_ratio):
    for _ in range(20):
        results = AVRandomCrop((10, 16), cat_max_ratio=cat_max_ratio)(sample())
        (top, left), (bottom, right) = results['img'][0, 0, :2], results['img'][-1, -1, :2] + 1
        assert results['crop_window'] == pytest.approx((top / 40, bottom / 40, left / 80, right / 80))
        assert results['img'].shape[:2] == results['gt_seg_map'].shape == (10, 16)
        assert results['sources'][0]['position'] == 0.5


def test_image_smaller_than_the_crop():
    results = AVRandomCrop((100, 16))(sample())
    assert results['crop_window'][:2] == (0, 1)
    assert results['img'].shape[:2] == (40, 16)


def test_crop_of_a_crop():
    results = AVRandomCrop((10, 10))(AVRandomCrop((20, 40))(sample()))
    (top, left), (bottom, right) = results['img'][0, 0, :2], results['img'][-1, -1, :2] + 1
    assert results['crop_window'] == pytest.approx((top / 40, bottom / 40, left / 80, right / 80))


@pytest.mark.parametrize('position', [0.0, 0.3, 0.55, 1.0])
def test_positions_relative_to_the_crop(position):
    for _ in range(20):
        record = sample(position=position)
        results = AVRandomCrop((10, 16), update_positions=True)(record | {'sources': (given := record['sources'])})
        left = int(results['img'][0, 0, 1])
        expected = min(max((80 * position - left) / 16, 0), 1)
        assert results['sources'][0]['position'] == pytest.approx(expected)
        assert given[0]['position'] == position  # the record of the dataset is unchanged


@pytest.mark.parametrize('order', ['crop, flip', 'flip, crop'])
def test_an_object_keeps_its_side_through_crop_and_flip(tmp_path, order):
    """A bright column and its recording: the louder channel is on the side of the column in the final image."""
    soundfile.write(tmp_path / 'a.wav', np.random.uniform(-0.5, 0.5, 1600), 16000)
    steps = dict(
        crop=dict(type='AVRandomCrop', crop_size=(40, 60), update_positions=True),
        flip=dict(type='AVRandomFlip', prob=1.0),
    )
    for _ in range(10):
        record = sample(position=(30 + 0.5) / 80)
        record['img'][:] = 0
        record['img'][:, 30] = 255
        record['sources'][0]['audio_path'] = str(tmp_path / 'a.wav')
        pipeline = [steps[name] for name in order.split(', ')] + [dict(type='LoadAudio', duration=0.1)]
        results = Compose([{**s, 'type': f'mmseg.{s["type"]}'} for s in pipeline])(record)
        column = results['img'][0, :, 0].argmax() + 0.5
        left, right = results['audio'].abs().mean(1)
        assert (right / (left + right)).item() == pytest.approx(column / 60, abs=1e-3)
        window = results['crop_window']
        assert 0.25 <= window[3] - window[2] <= 1 and window[:2] == (0, 1)


def test_stereo_recordings_without_a_position_are_unchanged():
    record = sample()
    del record['sources'][0]['position']
    assert AVRandomCrop((10, 16), update_positions=True)(record)['sources'] == [dict(audio_path='a.wav')]


def test_audio_mixed_before_the_crop_is_refused():
    with pytest.raises(ValueError, match='put LoadAudio after AVRandomCrop'):
        AVRandomCrop((10, 16), update_positions=True)(sample() | {'audio': 0})


def test_same_crops_as_mmseg():
    np.random.seed(3)
    expected = RandomCrop((10, 16), cat_max_ratio=0.3)(sample())['img']
    np.random.seed(3)
    np.testing.assert_array_equal(AVRandomCrop((10, 16), cat_max_ratio=0.3)(sample())['img'], expected)


def test_repr():
    assert repr(AVRandomCrop(16, update_positions=True)) == 'AVRandomCrop(crop_size=(16, 16), update_positions=True)'

import numpy as np
import pytest
import soundfile
import torch

from mmavs.audio.mixing import mix_sources
from mmavs.audio.reading import fit_length
from mmavs.datasets.transforms import AVRandomFlip, LoadAudio


@pytest.fixture
def sample():
    return dict(
        img=np.random.randint(0, 255, (4, 6, 3), np.uint8),
        img_shape=(4, 6),
        gt_seg_map=np.random.randint(0, 9, (4, 6)).astype(np.uint8),
        seg_fields=['gt_seg_map'],
        audio=torch.randn(2, 50),
        sources=[dict(audio_path='a.wav', position=0.25, label=3)],
    )


def flip(sample, direction='horizontal', prob=1.0):
    return AVRandomFlip(prob=prob, direction=direction)({**sample})


@pytest.mark.parametrize('direction', ['horizontal', 'diagonal'])
def test_mirrors_image_label_and_audio(sample, direction):
    flipped = flip(sample, direction)
    axes = (1,) if direction == 'horizontal' else (0, 1)
    np.testing.assert_array_equal(flipped['img'], np.flip(sample['img'], axes))
    np.testing.assert_array_equal(flipped['gt_seg_map'], np.flip(sample['gt_seg_map'], axes))
    assert torch.equal(flipped['audio'], sample['audio'][[1, 0]])
    assert flipped['sources'] == [dict(audio_path='a.wav', position=0.75, label=3)]
    assert flipped['flip'] is True


def test_vertical_flip_does_not_change_the_audio(sample):
    flipped = flip(sample, 'vertical')
    np.testing.assert_array_equal(flipped['img'], sample['img'][::-1])
    assert torch.equal(flipped['audio'], sample['audio'])
    assert flipped['sources'] == sample['sources']


def test_no_flip_leaves_everything(sample):
    flipped = flip(sample, prob=0.0)
    np.testing.assert_array_equal(flipped['img'], sample['img'])
    assert torch.equal(flipped['audio'], sample['audio'])
    assert flipped['sources'] == sample['sources']
    assert flipped['flip'] is False


def test_mono_audio_is_unchanged(sample):
    sample['audio'] = torch.randn(1, 50)
    assert torch.equal(flip(sample)['audio'], sample['audio'])


def test_flipping_twice_restores_the_input(sample):
    again = flip(flip(sample))
    np.testing.assert_array_equal(again['img'], sample['img'])
    assert torch.equal(again['audio'], sample['audio'])
    assert again['sources'] == sample['sources']


def test_the_record_itself_is_not_changed(sample):
    source = sample['sources'][0]
    flip(sample)
    assert source['position'] == 0.25


def test_flip_without_audio(sample):
    del sample['audio'], sample['sources']
    np.testing.assert_array_equal(flip(sample)['img'], sample['img'][:, ::-1])


@pytest.mark.parametrize('channels', [1, 2])
def test_same_as_loading_with_mirrored_positions(tmp_path, sample, channels):
    sources = []
    for k, position in enumerate((0.1, 0.6, 1.0)):
        soundfile.write(tmp_path / f'{k}.wav', np.random.uniform(-0.3, 0.3, 4000), 16000)
        sources.append(dict(audio_path=str(tmp_path / f'{k}.wav'), position=position))
    load = LoadAudio(duration=0.2, channels=channels)
    mirrored = load(dict(sources=[{**s, 'position': 1 - s['position']} for s in sources]))['audio']
    del sample['audio']
    loaded_before = flip(load({**sample, 'sources': sources}))['audio']
    loaded_after = load(flip({**sample, 'sources': sources}))['audio']
    torch.testing.assert_close(loaded_before, mirrored, atol=1e-6, rtol=0)
    torch.testing.assert_close(loaded_after, mirrored, atol=1e-6, rtol=0)


def test_stereo_recordings_are_mirrored_in_either_order(tmp_path, sample):
    """Two stereo recordings and a mono one, without positions, before and after the flip."""
    sources = []
    for k, channels in enumerate((2, 2, 1)):
        soundfile.write(tmp_path / f'{k}.wav', np.random.uniform(-0.3, 0.3, (4000, channels)), 16000)
        sources.append(dict(audio_path=str(tmp_path / f'{k}.wav')))
    sources[2]['position'] = 0.2
    load = LoadAudio(duration=0.2, keep_channels=True)
    del sample['audio']
    sample['sources'] = sources
    original = load({**sample})['audio']
    torch.testing.assert_close(flip(load({**sample}))['audio'], original.flip(0), atol=1e-6, rtol=0)
    torch.testing.assert_close(load(flip(sample))['audio'], original.flip(0), atol=1e-6, rtol=0)
    torch.testing.assert_close(load(flip(flip(sample), 'vertical'))['audio'], original.flip(0), atol=1e-6, rtol=0)
    torch.testing.assert_close(load(flip(flip(sample)))['audio'], original, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ('direction', 'window'),
    [
        ('horizontal', (0.1, 0.3, 0.3, 0.8)),
        ('vertical', (0.7, 0.9, 0.2, 0.7)),
        ('diagonal', (0.7, 0.9, 0.3, 0.8)),
    ],
)
def test_mirrors_the_window_of_a_crop(sample, direction, window):
    sample['crop_window'] = (0.1, 0.3, 0.2, 0.7)
    assert flip(sample, direction)['crop_window'] == pytest.approx(window)


def test_golden_stereo_mix_flipped(golden_file, sample):
    golden = np.load(golden_file('stereo_mix.npz'))
    waves = [fit_length(torch.from_numpy(golden[f'source_{k}'][0]), 48000) for k in range(len(golden['position']))]
    sample['audio'] = mix_sources(waves, golden['position'].tolist())
    torch.testing.assert_close(flip(sample)['audio'], torch.from_numpy(golden['mix_flipped']), atol=1e-6, rtol=0)


def test_flips_half_of_the_time(sample):
    flips = sum(flip(sample, prob=0.5)['flip'] for _ in range(200))
    assert 60 < flips < 140


def test_bad_arguments():
    with pytest.raises(AssertionError):
        AVRandomFlip(prob=1.5)
    with pytest.raises(ValueError, match='direction'):
        AVRandomFlip(prob=0.5, direction=3)


def test_repr():
    assert repr(AVRandomFlip(prob=0.5)) == 'AVRandomFlip(prob=0.5, direction=horizontal)'

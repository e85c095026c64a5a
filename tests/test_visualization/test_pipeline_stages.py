import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmavs.audio.log_mel import LogMel
from mmavs.datasets import VPODataset
from mmavs.visualization.audio_panels import draw_audio, mel_band
from mmavs.visualization.pipeline_stages import augmented_view, loaded_view
from mmavs.visualization.sample_picture import draw_sample

LOADING = [dict(type='LoadFrame'), dict(type='LoadAudio', duration=0.5), dict(type='LoadAVAnnotations')]
FLIP = dict(type='AVRandomFlip', prob=1.0)
CROP = dict(type='AVRandomCrop', crop_size=(48, 16))
PACK = dict(type='PackAVSegInputs')


def make(root, *transforms):
    init_default_scope('mmseg')
    return VPODataset(data_root=str(root), subset='ms', split='train', pipeline=list(transforms))


def views(root, *transforms):
    dataset = make(root, *transforms)
    record, steps = dataset.get_data_info(0), dataset.pipeline.transforms
    return loaded_view(steps, record), augmented_view(steps, record)


def test_before_and_after_a_flip(vpo_root):
    before, after = views(vpo_root, *LOADING, FLIP, PACK)
    np.testing.assert_array_equal(after.image, before.image[:, ::-1])
    np.testing.assert_array_equal(after.segments, before.segments[:, ::-1])
    np.testing.assert_allclose(after.audio, before.audio[::-1])
    assert [p for p, _ in after.sources] == pytest.approx([1 - p for p, _ in before.sources])
    assert after.sounding == before.sounding and len(before.sounding) == 2


def test_positions_point_at_the_same_column_of_the_scene_after_a_crop(vpo_root):
    """A crop of 16 of 64 columns: the positions are in units of the crop."""
    before, after = views(vpo_root, *LOADING, CROP, PACK)
    assert after.image.shape == (48, 16, 3)
    starts = [x for x in range(49) if np.array_equal(before.image[:, x : x + 16], after.image)]
    (start,) = starts
    for (old, _), (new, _) in zip(before.sources, after.sources, strict=True):
        assert start + new * 16 == pytest.approx(old * 64)


def test_audio_loaded_after_a_crop_that_moves_the_sources(vpo_root):
    crop = dict(CROP, update_positions=True)
    before, after = views(vpo_root, LOADING[0], LOADING[2], crop, LOADING[1], PACK)
    assert before.image.shape == (48, 64, 3) and after.image.shape == (48, 16, 3)
    assert all(0 <= position <= 1 for position, _ in after.sources)


def test_missing_audio(vpo_root):
    dataset = make(vpo_root, LOADING[0], LOADING[2], PACK)
    with pytest.raises(ValueError, match='does not load audio.*LoadAudio'):
        loaded_view(dataset.pipeline.transforms, dataset.get_data_info(0))


def test_picture_of_a_sample(vpo_root):
    dataset = make(vpo_root, *LOADING, CROP, FLIP, PACK)
    found = views(vpo_root, *LOADING, CROP, FLIP, PACK)
    picture = draw_sample(found, dataset.metainfo['classes'], dataset.metainfo['palette'])
    assert picture.dtype == np.uint8 and picture.shape[1] >= 1600
    assert 360 + 640 < picture.shape[0] < 360 + 640 + 400  # the images of 480 x 360 and 213 x 640 pixels, and titles


@pytest.mark.parametrize('channels', [1, 2])
def test_picture_of_audio(channels):
    """A tone in the first channel only: its waveform differs from that of silence."""
    audio = np.zeros((channels, 8000), np.float32)
    silent = draw_audio(audio, width=640, height=300)
    audio[0] = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 16000)
    picture = draw_audio(audio, width=640, height=300)
    assert picture.shape == silent.shape == (300, 640, 3)
    blue = (abs(picture.astype(int) - (0, 114, 178)) < 8).all(-1)
    rows = np.flatnonzero(blue.sum(1) > 50)
    assert rows.size and (channels == 1 or rows.max() - rows.min() < 200)


def test_frequencies_of_mel_bands():
    """Against the centers of torchaudio's filters."""
    log_mel = LogMel()
    for band in (10, 30, 60):
        weights = log_mel.filters[:, band].numpy()
        center = weights @ np.linspace(0, 8000, 257) / weights.sum()
        assert mel_band(center, log_mel.spec) == pytest.approx(band, abs=0.5)

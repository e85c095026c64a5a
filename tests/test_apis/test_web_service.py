"""What the web page computes, without Gradio and without a browser."""

import os
from multiprocessing.pool import ThreadPool
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from mmengine.config import Config
from PIL import Image

from mmavs.apis.prediction import SoundingClass
from mmavs.apis.web import Limits, PictureAnswer, WebService
from mmavs.apis.web.examples import find_examples
from mmavs.apis.web.page import answer_picture, error_text, make_table

RATE = 16000


@pytest.fixture
def files(tmp_path):
    """A picture and a mono sound."""
    rng = np.random.default_rng(0)
    cv2.imwrite(str(tmp_path / 'picture.png'), rng.integers(0, 255, (48, 64, 3)).astype(np.uint8))
    soundfile.write(tmp_path / 'sound.wav', 0.3 * rng.standard_normal(4 * RATE), RATE)
    return str(tmp_path / 'picture.png'), str(tmp_path / 'sound.wav')


@pytest.fixture
def service(inferencer, tmp_path):
    folder = tmp_path / 'page'
    folder.mkdir()
    return WebService(inferencer, str(folder), Limits(megabytes=1, megapixels=0.01, sound_seconds=5, video_seconds=2))


def test_answer_equals_the_inferencer(service, files):
    answer = service.segment_picture(*files, position=0.2)
    expected = service.inferencer(files[0], files[1], position=0.2)
    assert answer.sounding == expected['sounding']
    assert answer.overlay.shape == (480, 640, 3) and answer.overlay.dtype == np.uint8
    assert answer.attention.shape[1] == 640 and answer.attention.shape[0] > 480


def test_sound_is_panned_as_the_network_gets_it(service, files):
    sound, rate = soundfile.read(service.segment_picture(*files, position=0.25).sound)
    assert rate == RATE and sound.shape == (3 * RATE, 2)
    np.testing.assert_allclose(3 * sound[:, 1], sound[:, 0], atol=2e-4)


def test_muted_is_silence(service, files):
    answer = service.segment_picture(files[0], None, muted=True)
    assert not soundfile.read(answer.sound)[0].any()
    expected = service.inferencer(files[0], [])
    assert answer.sounding == expected['sounding']
    assert not np.array_equal(answer.overlay, service.segment_picture(*files).overlay)


def test_results_are_in_the_folder_of_the_page(service, files):
    assert service.segment_picture(*files).sound.startswith(service.folder)


@pytest.mark.parametrize('missing, message', [(0, 'choose a picture'), (1, 'choose a sound, or mute')])
def test_missing_input(service, files, missing, message):
    given = list(files)
    given[missing] = None
    with pytest.raises(ValueError, match=message):
        service.segment_picture(*given)


def test_limits(service, files, tmp_path):
    Image.new('RGB', (200, 100)).save(tmp_path / 'large.png')
    soundfile.write(tmp_path / 'long.wav', np.ones(6 * RATE), RATE)
    (tmp_path / 'heavy.wav').write_bytes(b'0' * 1_100_000)
    for picture, sound, message in (
        (str(tmp_path / 'large.png'), files[1], '200 x 100 pixels, at most 0.01 million'),
        (files[0], str(tmp_path / 'long.wav'), r'6\.0 s long, at most 5 s are allowed: cut it'),
        (files[0], str(tmp_path / 'heavy.wav'), r'1\.1 MB, at most 1 MB'),
    ):
        with pytest.raises(ValueError, match=message):
            service.segment_picture(picture, sound)


def test_errors_name_the_file_without_its_folder(service, files, tmp_path):
    (tmp_path / 'notes.png').write_text('not a picture')
    status, *rest = answer_picture(lambda: service.segment_picture(str(tmp_path / 'notes.png'), files[1]), [])
    assert status.startswith('Error: Cannot decode picture notes.png') and str(tmp_path) not in status
    assert rest == [None, '', None, None]
    (tmp_path / 'notes.wav').write_text('not a sound')
    status, *_ = answer_picture(lambda: service.segment_picture(files[0], str(tmp_path / 'notes.wav')), [])
    assert 'notes.wav, which holds text' in status and str(tmp_path) not in status


def test_texts_of_an_answer():
    palette = [[0, 0, 0], [1, 2, 3]]
    found = [SoundingClass(label=1, name='<cat>', pixels=5, share=0.25, probability=0.875)]
    empty = np.zeros((1, 1, 3), np.uint8)
    status, _, legend, _, sound = answer_picture(lambda: PictureAnswer(found, empty, empty, 'a.wav'), palette)
    assert status == 'Sounding: &lt;cat&gt;' and sound == 'a.wav'
    assert 'rgb(1, 2, 3)' in legend and '&lt;cat&gt;' in legend and '88 %' in legend and '25.0 %' in legend
    status, _, legend, *_ = answer_picture(lambda: PictureAnswer([], empty, empty, 'a.wav'), palette)
    assert status == 'Nothing sounds' and legend == make_table((), []) == ''


def test_error_text_is_escaped():
    assert error_text(ValueError('<script> in /a/b/c.wav')) == 'Error: &lt;script&gt; in c.wav'


def make_video(path, seconds):
    from media import noise, write_video

    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(8 * seconds)]
    return str(write_video(path, images, sound=noise(seconds, RATE), rate=RATE, fps=8))


def test_video(service, tmp_path):
    av = pytest.importorskip('av')
    answer = service.segment_video(make_video(tmp_path / 'video.mp4', 1))
    assert answer.frames == 8 and answer.overlay.startswith(service.folder)
    with av.open(answer.overlay) as container:
        assert container.streams.audio and container.streams.video
    with pytest.raises(ValueError, match='at most 2 s are allowed'):
        service.segment_video(make_video(tmp_path / 'long.mp4', 3))


def test_two_requests_at_once(service, files, tmp_path):
    Image.new('RGB', (60, 50), (200, 30, 30)).save(tmp_path / 'other.png')
    pictures = [files[0], str(tmp_path / 'other.png')] * 2
    alone = [service.segment_picture(picture, files[1]) for picture in pictures]
    with ThreadPool(2) as pool:
        together = pool.map(lambda picture: service.segment_picture(picture, files[1]), pictures)
    for a, b in zip(alone, together, strict=True):
        assert a.sounding == b.sounding
        np.testing.assert_array_equal(a.overlay, b.overlay)
    assert len({answer.sound for answer in together}) == 4


def test_old_files_are_removed(service, files):
    first = service.segment_picture(*files).sound
    kept = Path(service.folder) / 'example1.png'
    kept.touch()
    for path in (first, kept):
        os.utime(path, (0, 0))
    second = service.segment_picture(*files).sound
    assert not os.path.exists(first) and os.path.exists(second) and kept.exists()


def test_examples_are_copies_in_the_folder(mini_root, tmp_path):
    cfg = Config.fromfile('configs/cavp/cavp_r18_mini.py')
    cfg.test_dataloader.dataset.data_root = str(mini_root)
    found = find_examples(cfg, str(tmp_path), 2)
    assert found
    for example in found:
        assert example.picture.startswith(str(tmp_path)) and example.sound.startswith(str(tmp_path))
        assert Image.open(example.picture).size == (144, 112) and soundfile.info(example.sound).frames
        assert 0 <= example.position <= 1
    cfg.test_dataloader.dataset.data_root = 'nowhere'
    assert find_examples(cfg, str(tmp_path)) == []

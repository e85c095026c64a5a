"""The sound around a time of a video is what read_clip reads of these seconds; memory stays bounded."""

import numpy as np
import pytest
import soundfile
import torch

from mmavs.audio.reading import read_clip
from mmavs.audio.sound_track import SoundTrack

pytest.importorskip('av')
from media import noise, write_sound, write_video  # noqa: E402

SAMPLES, RATE = 16000, 16000  # windows of 1 s


def open_track(path, channels=1, **options):
    return SoundTrack(str(path), num_samples=SAMPLES, sample_rate=RATE, channels=channels, **options)


@pytest.mark.parametrize('rate', [16000, 44100, 48000])
def test_windows_equal_the_seconds_of_a_file(tmp_path, rate):
    original = np.round(noise(6, rate, 2) * 2**15) / 2**15
    path = write_sound(tmp_path / 'a.mkv', original, rate, 'flac')
    soundfile.write(tmp_path / 'a.wav', original.T, rate, 'PCM_16')
    mono, stereo = open_track(path), open_track(path, channels=2)
    for time in (0.6, 0.61, 2.0, 3.37, 5.4):
        expected = dict(num_samples=SAMPLES, start=time - 0.5)
        found = mono.window(time)
        assert torch.allclose(found[0], read_clip(str(tmp_path / 'a.wav'), **expected), atol=1e-6)
        both = read_clip(str(tmp_path / 'a.wav'), mono=False, **expected)
        assert torch.allclose(stereo.window(time), both, atol=1e-6)
    mono.close()


def test_windows_near_the_ends_lie_in_the_track(tmp_path):
    original = noise(3, RATE)  # longer than what is decoded for half a window
    path = write_sound(tmp_path / 'a.mkv', original, RATE, 'pcm_f32le')
    whole = torch.from_numpy(original[0]).float()
    track = open_track(path)
    for time in (0.0, 0.2):
        assert torch.allclose(track.window(time)[0], whole[:SAMPLES], atol=1e-6)
    for time in (2.8, 3.0):
        assert torch.allclose(track.window(time)[0], whole[-SAMPLES:], atol=1e-6)
    late = track.window(3.25)[0]  # a quarter of a second after the end
    assert torch.allclose(late[:4000], whole[-4000:], atol=1e-6) and not late[4000:].any()
    assert not track.window(9.0).any()


def test_short_track_is_followed_by_silence(tmp_path):
    original = noise(0.25, RATE)
    track = open_track(write_sound(tmp_path / 'a.mkv', original, RATE, 'pcm_f32le'))
    found = track.window(0.1)[0].numpy()
    assert np.allclose(found[:4000], original[0], atol=1e-6) and not found[4000:].any()


def test_sound_that_starts_later_than_the_video_keeps_its_time(tmp_path):
    images = [np.zeros((32, 32, 3), np.uint8)] * 30
    original = noise(2, RATE)
    path = write_video(tmp_path / 'a.mkv', images, fps=10, sound=original, audio_codec='pcm_s16le', audio_start=1.0)
    track = open_track(path)
    early = track.window(0.5)[0]
    assert not early[:15000].any()
    found = track.window(1.75)[0]  # seconds 1.25 to 2.25 of the video, 0.25 to 1.25 of the sound
    assert np.allclose(found.numpy(), original[0, 4000:20000], atol=1e-4)


def test_mono_in_stereo_is_in_the_center_and_position_pans_the_mean(tmp_path):
    original = noise(2, RATE, 2)
    mono = write_sound(tmp_path / 'm.mkv', original[:1], RATE, 'pcm_f32le')
    stereo = write_sound(tmp_path / 's.mkv', original, RATE, 'pcm_f32le')
    middle = original[:, 8000:24000]
    expected = np.stack([middle[0], middle[0]]) / 2
    assert np.allclose(open_track(mono, channels=2).window(1.0).numpy(), expected, atol=1e-6)
    panned = open_track(stereo, channels=2, position=0.25).window(1.0).numpy()
    assert np.allclose(panned, np.outer([0.75, 0.25], middle.mean(0)), atol=1e-6)


def test_surround_sound_becomes_stereo(tmp_path):
    original = np.zeros((6, 3 * RATE))
    original[0] = noise(3, RATE)[0]  # front left alone
    path = write_sound(tmp_path / 'a.mkv', original, RATE, 'flac')
    left, right = open_track(path, channels=2).window(1.5)
    assert left.abs().max() > 0.1 and right.abs().max() < 1e-3


def test_memory_is_bounded(tmp_path):
    original = np.round(noise(60, RATE) * 2**15) / 2**15
    path = write_sound(tmp_path / 'a.mkv', original, RATE, 'flac')
    track = open_track(path)
    for time in np.arange(0.5, 59, 0.5):
        track.window(time)
        assert sum(map(len, track._buffer)) < 8 * RATE
    assert torch.allclose(track.window(59.5)[0], torch.from_numpy(original[0, -SAMPLES:]).float(), atol=1e-6)

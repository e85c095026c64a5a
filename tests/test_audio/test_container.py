"""Sound files that libsndfile cannot read are decoded by PyAV, independent of their suffixes."""

import sys

import numpy as np
import pytest
import soundfile
import torch

from mmavs.audio.audio_file import AudioFileError, open_audio
from mmavs.audio.file_kind import describe_content
from mmavs.audio.reading import read_clip, read_recording

av = pytest.importorskip('av')
from media import noise, write_sound  # noqa: E402

RATE = 44100


def delay_of(found, original):
    """The delay of ``found`` in samples with the largest correlation, and this correlation."""
    n = 1 << 18
    cross = np.fft.irfft(np.fft.rfft(found, n) * np.fft.rfft(original, n).conj(), n)
    delay = int(cross.argmax())
    delay -= n if delay > n // 2 else 0
    a, b = (found[delay:], original) if delay >= 0 else (found, original[-delay:])
    length = min(len(a), len(b))
    return delay, np.corrcoef(a[:length], b[:length])[0, 1]


@pytest.mark.parametrize(
    ('name', 'codec'),
    [
        ('a.mp4', 'flac'),
        ('a.mkv', 'flac'),
        ('a.mov', 'pcm_s16le'),
        ('a.mkv', 'pcm_s16le'),
        ('a.mov', 'pcm_s24le'),
        ('a.avi', 'pcm_s16le'),
        ('a.mka', 'pcm_f32le'),
    ],
)
def test_lossless_tracks_give_equal_samples(tmp_path, name, codec):
    original = np.round(noise(1.3, RATE, 2) * 2**15) / 2**15
    write_sound(tmp_path / name, original, RATE, codec)
    soundfile.write(tmp_path / 'a.wav', original.T, RATE, 'PCM_16')
    path, reference = str(tmp_path / name), str(tmp_path / 'a.wav')
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(path)
    with open_audio(path) as f:
        assert (f.channels, f.samplerate, f.frames) == (2, RATE, original.shape[1])
    assert torch.equal(read_recording(path, mono=False), read_recording(reference, mono=False))
    for start in (None, 0.0, 0.4, 0.9):
        clip, expected = (read_clip(p, num_samples=8000, start=start) for p in (path, reference))
        assert torch.equal(clip, expected)


@pytest.mark.parametrize(
    ('name', 'codec', 'rate', 'delay'),
    [
        ('a.mp4', 'aac', RATE, 0),
        ('a.m4a', 'aac', RATE, 0),
        ('a.mov', 'aac', RATE, 0),
        ('a.mkv', 'aac', RATE, 0),
        ('a.aac', 'aac', RATE, 1024),
        ('a.webm', 'libopus', 48000, 0),
        ('a.mkv', 'libopus', 48000, 0),
        ('a.mp4', 'libopus', 48000, 0),
    ],
)
def test_lossy_tracks_agree_after_alignment(tmp_path, name, codec, rate, delay):
    original = noise(2, rate, 2)
    format = 'adts' if name.endswith('.aac') else None
    path = write_sound(tmp_path / name, original, rate, codec, format=format, bit_rate=192000)
    with open_audio(path) as f:
        found = f.read(f.frames)
    assert found.shape[1] == 2
    for channel in range(2):
        lag, correlation = delay_of(found[:, channel], original[channel])
        assert lag == delay and correlation > 0.99


@pytest.mark.parametrize(('name', 'codec', 'kind'), [('a.mp4', 'aac', 'MP4'), ('a.aac', 'aac', 'AAC'),
                                                     ('a.webm', 'libopus', 'WebM')])  # fmt: skip
def test_wrong_suffix(tmp_path, name, codec, kind):
    rate = 48000
    format = 'adts' if name.endswith('.aac') else None
    path = tmp_path / name
    write_sound(path, noise(1, rate), rate, codec, format=format)
    wrong = path.rename(tmp_path / 'abc_000030.wav')
    assert kind in describe_content(str(wrong))
    assert read_clip(str(wrong), num_samples=8000).abs().max() > 0.1


def test_message_without_pyav_states_content_and_remedy(tmp_path, monkeypatch):
    path = write_sound(tmp_path / 'a.mp4', noise(1, RATE), RATE, 'aac')
    (tmp_path / 'a.mp4').rename(tmp_path / 'a.wav')
    monkeypatch.setattr('mmavs.audio.container.find_spec', lambda name: None)
    monkeypatch.setitem(sys.modules, 'av', None)
    with pytest.raises(AudioFileError, match=r"cannot read recording .*a\.wav: it holds MP4, .*'mmavs\[video\]'"):
        read_recording(str(tmp_path / 'a.wav'))
    assert path.endswith('a.mp4')


@pytest.mark.parametrize(
    ('content', 'kind'),
    [
        (b'<!DOCTYPE html><html>no longer available</html>', 'an HTML or XML page'),
        (b'#EXTM3U\nhttp://127.0.0.1/a.ts\n', 'text'),
        (b'ffconcat version 1.0\nfile a.wav\n', 'text'),
        (b'\x00\x00\x00\x20ftypisom' + bytes(3000), 'MP4'),
        (bytes(5000), 'data of an unknown kind'),
    ],
)
def test_other_content_is_named(tmp_path, content, kind):
    path = tmp_path / 'a.mp4'
    path.write_bytes(content)
    with pytest.raises(AudioFileError, match=rf'cannot read recording .*a\.mp4, which holds {kind}.*Fetch it again'):
        read_recording(str(path))


def test_video_without_sound_is_named(tmp_path):
    with av.open(str(tmp_path / 'a.mp4'), 'w') as container:
        stream = container.add_stream('mpeg4', rate=10)
        stream.height = stream.width = 32
        for packet in [*stream.encode(av.VideoFrame(32, 32, 'yuv420p')), *stream.encode(None)]:
            container.mux(packet)
    with pytest.raises(AudioFileError, match=r'a\.mp4, which holds MP4: it has no audio track'):
        read_recording(str(tmp_path / 'a.mp4'))


def test_truncated_file_is_read_as_far_as_possible_or_named(tmp_path):
    whole = write_sound(tmp_path / 'a.mka', noise(3, RATE), RATE, 'aac')
    content = open(whole, 'rb').read()
    (tmp_path / 'cut.mka').write_bytes(content[: len(content) // 2])
    assert 0.5 < len(read_recording(str(tmp_path / 'cut.mka'))) / 16000 < 2.5
    content = open(write_sound(tmp_path / 'a.mp4', noise(3, RATE), RATE, 'aac'), 'rb').read()
    (tmp_path / 'cut.mp4').write_bytes(content[: len(content) // 2])  # its index is at the end
    with pytest.raises(AudioFileError, match=r'cut\.mp4, which holds MP4'):
        read_recording(str(tmp_path / 'cut.mp4'))


def test_surround_sound_is_averaged_and_refused_where_channels_are_kept(tmp_path):
    original = np.round(noise(1, 16000, 6) * 2**15) / 2**15
    path = write_sound(tmp_path / 'a.mkv', original, 16000, 'flac')
    assert np.allclose(read_recording(path).numpy(), original.mean(0), atol=1e-6)
    with pytest.raises(AudioFileError, match='recording has 6 channels'):
        read_recording(path, mono=False)

import struct

import numpy as np
import pytest
import soundfile

from mmavs.audio.audio_file import MAX_PEAK, AudioFileError, check_not_truncated, open_audio, read_frames

RATE = 16000


@pytest.fixture
def tone():
    return 0.5 * np.cos(2 * np.pi * 440 * np.arange(RATE // 4) / RATE)


def read_all(path):
    with open_audio(str(path)) as f:
        return read_frames(f, start=0, count=f.frames)


def riff(*chunks, size=None, form=b'WAVE'):
    """A WAV from (name, content, length in the header or None) chunks."""
    body = b''.join(
        name + struct.pack('<I', len(data) if length is None else length) + data + b'\0' * (len(data) % 2)
        for name, data, length in chunks
    )
    return b'RIFF' + struct.pack('<I', len(body) + 4 if size is None else size) + form + body


PCM = (b'fmt ', struct.pack('<HHIIHH', 1, 1, RATE, 2 * RATE, 2, 16), None)


@pytest.mark.parametrize(
    ('subtype', 'tolerance'),
    [
        ('PCM_U8', 1e-2),
        ('PCM_16', 1e-4),
        ('PCM_24', 1e-6),
        ('PCM_32', 1e-6),
        ('FLOAT', 1e-7),
        ('DOUBLE', 1e-7),
        ('ALAW', 2e-2),
        ('ULAW', 2e-2),
    ],
)
def test_encodings_inside_wav(tmp_path, tone, subtype, tolerance):
    path = tmp_path / 'a.wav'
    soundfile.write(path, tone, RATE, format='WAV', subtype=subtype)
    frames = read_all(path)
    assert frames.dtype == np.float32
    np.testing.assert_allclose(frames, tone[:, None], atol=tolerance)


def test_mp3_inside_wav(tmp_path, tone):
    soundfile.write(tmp_path / 'a.mp3', tone, RATE)
    fmt = struct.pack('<HHIIHHHHIHHH', 0x55, 1, RATE, 8000, 1, 0, 12, 1, 2, 576, 1, 1393)
    (tmp_path / 'a.wav').write_bytes(riff((b'fmt ', fmt, None), (b'data', (tmp_path / 'a.mp3').read_bytes(), None)))
    with soundfile.SoundFile(tmp_path / 'a.wav') as f:
        assert (f.format, f.subtype) == ('WAV', 'MPEG_LAYER_III')
    frames = read_all(tmp_path / 'a.wav')[:, 0]
    assert len(frames) >= len(tone)
    loudest = np.abs(np.fft.rfft(frames)).argmax() * RATE / len(frames)
    assert abs(loudest - 440) < 5
    assert 0.45 < np.abs(frames[1500:3500]).max() < 0.55


@pytest.mark.parametrize('suffix', ['.flac', '.ogg', '.mp3', '.aiff'])
def test_other_containers(tmp_path, tone, suffix):
    path = tmp_path / f'a{suffix}'
    soundfile.write(path, tone, RATE)
    assert len(read_all(path)) >= len(tone)


def test_six_channels(tmp_path):
    frames = np.random.uniform(-1, 1, (500, 6)).astype(np.float32)
    soundfile.write(tmp_path / 'a.wav', frames, RATE, subtype='FLOAT')
    np.testing.assert_array_equal(read_all(tmp_path / 'a.wav'), frames)


def test_read_frames_reads_the_range(tmp_path):
    frames = np.random.uniform(-1, 1, (1000, 2)).astype(np.float32)
    soundfile.write(tmp_path / 'a.wav', frames, RATE, subtype='FLOAT')
    with open_audio(str(tmp_path / 'a.wav')) as f:
        np.testing.assert_array_equal(read_frames(f, start=300, count=50), frames[300:350])
        np.testing.assert_array_equal(read_frames(f, start=0, count=10), frames[:10])


@pytest.mark.parametrize('start', [990, 1000])
def test_read_frames_beyond_the_end(tmp_path, start):
    soundfile.write(tmp_path / 'a.wav', np.zeros(1000), RATE)
    with open_audio(str(tmp_path / 'a.wav')) as f, pytest.raises(AudioFileError, match=r'a\.wav'):
        read_frames(f, start=start, count=50)


def test_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'recording not found: .*nowhere\.wav\. Fetch it, .*`data_root`'):
        read_all(tmp_path / 'nowhere.wav')


def test_folder_is_no_recording(tmp_path):
    with pytest.raises(FileNotFoundError, match='recording not found'):
        read_all(tmp_path)


@pytest.mark.parametrize('content', [b'', b'RIFF', b'<html>not found</html>', b'RIFF\x04\0\0\0WAVE', bytes(5000)])
def test_not_audio(tmp_path, content):
    path = tmp_path / 'page.wav'
    path.write_bytes(content)
    with pytest.raises(AudioFileError, match=r'cannot read recording .*page\.wav.*ffmpeg'):
        read_all(path)


def test_no_frames(tmp_path):
    soundfile.write(tmp_path / 'a.wav', np.zeros((0, 1)), RATE)
    with pytest.raises(AudioFileError, match=r'no samples: .*a\.wav'):
        read_all(tmp_path / 'a.wav')


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_not_finite(tmp_path, tone, bad):
    tone[77] = bad
    soundfile.write(tmp_path / 'a.wav', tone, RATE, subtype='FLOAT')
    with pytest.raises(AudioFileError, match=r'NaN or infinite samples: .*a\.wav'):
        read_all(tmp_path / 'a.wav')


def test_samples_far_above_full_scale(tmp_path, tone):
    """Integers stored as floats are valid. The power of larger samples may be infinite."""
    for peak in (2**31, MAX_PEAK):
        soundfile.write(tmp_path / 'a.wav', tone * peak, RATE, subtype='FLOAT')
        assert np.isfinite(read_all(tmp_path / 'a.wav')).all()
    soundfile.write(tmp_path / 'a.wav', -1e19 * np.abs(tone), RATE, subtype='FLOAT')
    with pytest.raises(AudioFileError, match=r'samples of 5e\+18, where full scale is 1: .*a\.wav\. Scale it to'):
        read_all(tmp_path / 'a.wav')


@pytest.mark.parametrize('share', [0.1, 0.5, 0.99])
@pytest.mark.parametrize('subtype', ['PCM_16', 'FLOAT', 'ALAW'])
def test_truncated_wav(tmp_path, tone, share, subtype):
    path = tmp_path / 'cut.wav'
    soundfile.write(path, tone, RATE, subtype=subtype)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(AudioFileError, match=r'cut\.wav'):
        read_all(path)


def test_undecodable_recording_is_named(tmp_path, tone, monkeypatch):
    def fail(*_, **__):
        raise soundfile.LibsndfileError(1)

    soundfile.write(tmp_path / 'a.wav', tone, RATE)
    monkeypatch.setattr(soundfile.SoundFile, 'read', fail)
    with pytest.raises(AudioFileError, match=r'cannot decode recording .*a\.wav: .* Fetch it again or remove it from'):
        read_all(tmp_path / 'a.wav')


@pytest.mark.parametrize('share', [0.1, 0.5, 0.99])
def test_truncated_rf64(tmp_path, tone, share):
    """The WAV of more than 4 GB, in which another chunk has the sizes."""
    path = tmp_path / 'cut.wav'
    soundfile.write(path, tone, RATE, format='RF64')
    content = path.read_bytes()
    assert content[:4] == b'RF64' and len(read_all(path)) == len(tone)
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(AudioFileError, match=r'cut\.wav'):
        read_all(path)


@pytest.mark.parametrize('announced', [0, 1 << 63, (1 << 64) - 1])
def test_rf64_of_a_pipe_is_complete(tmp_path, announced):
    content = riff((b'ds64', struct.pack('<QQQI', 0, announced, 0, 0), None), PCM, (b'data', bytes(200), 0xFFFFFFFF))
    (tmp_path / 'a.wav').write_bytes(b'RF64' + content[4:])
    check_not_truncated(str(tmp_path / 'a.wav'))


def test_truncated_flac(tmp_path):
    path = tmp_path / 'cut.flac'
    soundfile.write(path, np.random.uniform(-1, 1, RATE), RATE)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioFileError, match=r'cut\.flac'):
        read_all(path)


def test_wav_of_a_pipe_is_complete(tmp_path):
    """Programs that write to a pipe cannot fill in the sizes afterwards."""
    samples = np.arange(100, dtype='<i2').tobytes()
    for name, size in (('ffmpeg', 0xFFFFFFFF), ('sox', 0x7FFFF000)):
        path = tmp_path / f'{name}.wav'
        path.write_bytes(riff(PCM, (b'data', samples, size), size=min(size + 36, 0xFFFFFFFF)))
        np.testing.assert_array_equal(read_all(path)[:, 0] * 32768, np.arange(100))


@pytest.mark.parametrize(
    'content',
    [
        riff(PCM, (b'data', bytes(200), None)),
        riff((b'LIST', b'INFOISFT\x05\0\0\0Lavf\0', None), PCM, (b'data', bytes(200), None)),
        riff(PCM, (b'odd ', b'123', None), (b'data', bytes(200), None)),
        riff(PCM, (b'data', bytes(200), None), (b'LIST', b'INFO', 400)),  # truncated after the audio data
        riff(PCM, (b'data', bytes(200), None), size=252),  # some writers announce 8 bytes too many
    ],
    ids=['plain', 'list first', 'odd chunk', 'cut in the tags', 'file size in the header'],
)
def test_complete_wav(tmp_path, content):
    (tmp_path / 'a.wav').write_bytes(content)
    assert len(read_all(tmp_path / 'a.wav')) == 100


def test_check_not_truncated_names_both_sizes(tmp_path):
    path = tmp_path / 'a.wav'
    path.write_bytes(riff(PCM, (b'data', bytes(200), 400)))
    with pytest.raises(AudioFileError, match='truncated: .* has 244 bytes, its header states 444'):
        check_not_truncated(str(path))


def test_check_not_truncated_ignores_other_formats(tmp_path):
    path = tmp_path / 'a.avi'
    path.write_bytes(riff((b'data', b'', 1000), form=b'AVI '))
    check_not_truncated(str(path))

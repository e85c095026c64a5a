import errno
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from mmavs.data_tools import resampling
from mmavs.data_tools.resampling import resample_folder
from mmavs.datasets.transforms import LoadAudio

FORMATS = ((44100, 2, 'PCM_16'), (8000, 1, 'ALAW'), (96000, 1, 'DOUBLE'), (16000, 6, 'PCM_24'), (22050, 2, 'FLOAT'))


@pytest.fixture
def folder(tmp_path):
    """Recordings of all kinds, from shorter than a clip to longer, in folders with names of any alphabet."""
    rng = np.random.default_rng(0)
    for i, (rate, channels, subtype) in enumerate(FORMATS):
        for seconds in (0.1, 0.7):
            path = tmp_path / 'in' / ('', 'höher 音')[i % 2] / f'r{i}.{seconds}_000030.wav'
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, rng.uniform(-1, 1, (round(rate * seconds), channels)), rate, subtype)
    return tmp_path / 'in'


def resample(folder, out, **kwargs):
    return resample_folder(str(folder), str(out), **{'workers': 1, **kwargs})


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in Path(folder).rglob('*') if p.is_file())


def audio(path, position=0.3, **kwargs):
    return LoadAudio(duration=0.5, **kwargs)(dict(sources=[dict(audio_path=str(path), position=position)]))['audio']


@pytest.mark.parametrize('channels', [1, 2])
def test_training_on_copies_uses_the_same_waveforms(folder, tmp_path, channels):
    assert resample(folder, tmp_path / 'out') == (10, 0, [])
    assert files(tmp_path / 'out') == files(folder)
    for name in files(folder):
        info = soundfile.info(tmp_path / 'out' / name)
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, 'FLOAT')
        original, copy = (audio(root / name, channels=channels) for root in (folder, tmp_path / 'out'))
        torch.testing.assert_close(copy, original, atol=1e-6, rtol=0)
        assert original.abs().max() > 0.05


def test_channels_can_be_kept(folder, tmp_path):
    copied = resample(folder, tmp_path / 'out', keep_channels=True)
    assert copied.written == 8 and [Path(path).name[:2] for path, _ in copied.failed] == ['r3', 'r3']
    assert all('6 channels' in reason for _, reason in copied.failed)
    for name in files(tmp_path / 'out'):
        assert soundfile.info(tmp_path / 'out' / name).channels == soundfile.info(folder / name).channels
        original, copy = (audio(root / name, keep_channels=True) for root in (folder, tmp_path / 'out'))
        torch.testing.assert_close(copy, original, atol=1e-6, rtol=0)
    assert resample(folder, tmp_path / 'out', keep_channels=True).kept == 8
    assert resample(folder, tmp_path / 'out').kept == 4, 'only the mono copies are the same'


def test_integer_samples_take_half_the_space(folder, tmp_path):
    resample(folder, tmp_path / 'out')
    resample(folder, tmp_path / 'small', subtype='PCM_16')
    for name in files(folder):
        small, whole = (tmp_path / place / name for place in ('small', 'out'))
        assert soundfile.info(small).subtype == 'PCM_16'
        assert small.stat().st_size < 0.6 * whole.stat().st_size
        truth = audio(whole, channels=1).clamp(-1, 1 - 2**-15)
        torch.testing.assert_close(audio(small, channels=1), truth, atol=2**-16 + 1e-6, rtol=0)


def test_existing_copies_are_kept_and_changed_recordings_copied_again(folder, tmp_path, monkeypatch):
    out = tmp_path / 'out'
    resample(folder, out)
    names = files(folder)
    (out / names[0]).unlink()
    (out / names[1]).write_bytes(b'RIFF')  # as left by another program
    soundfile.write(folder / names[2], np.ones(3000) / 3, 8000)
    os.utime(folder / names[2], (10**9, 10**9))
    read = []
    original = resampling.read_recording
    monkeypatch.setattr(resampling, 'read_recording', lambda path, **kw: read.append(path) or original(path, **kw))
    assert resample(folder, out) == (3, 7, [])
    assert read == [str(folder / name) for name in names[:3]]
    assert resample(folder, out) == (0, 10, [])
    assert resample(folder, out, sample_rate=8000).written == 10


def test_broken_recordings_are_listed_and_left_out(folder, tmp_path):
    names = files(folder)
    (folder / names[0]).write_text('<html>')
    (folder / names[3]).write_bytes((folder / names[3]).read_bytes()[:200])
    (folder / 'link.wav').symlink_to('nowhere.wav')
    (folder / 'notes.txt').write_text('no recording')
    copied = resample(folder, tmp_path / 'out')
    assert copied.written == 8
    assert [Path(path).name for path, _ in copied.failed] == [Path(names[0]).name, Path(names[3]).name, 'link.wav']
    assert all(path in reason for path, reason in copied.failed)
    assert set(files(tmp_path / 'out')) == set(names) - {names[0], names[3]}


def test_other_formats_become_wav(tmp_path):
    (tmp_path / 'in').mkdir()
    for suffix in ('flac', 'MP3'):
        soundfile.write(tmp_path / 'in' / f'{suffix}.{suffix}', np.ones(900) / 2, 44100, format=suffix.upper())
    assert resample(tmp_path / 'in', tmp_path / 'out').written == 2
    assert files(tmp_path / 'out') == ['MP3.wav', 'flac.wav']
    soundfile.write(tmp_path / 'in' / 'flac.wav', np.ones(900) / 2, 44100)
    with pytest.raises(ValueError, match=r'flac\.flac and .*flac\.wav would have copies of the same name'):
        resample(tmp_path / 'in', tmp_path / 'out')


def test_workers_give_the_same_files(tmp_path):
    (tmp_path / 'in').mkdir()
    for i in range(20):  # more than one chunk
        soundfile.write(tmp_path / 'in' / f'{i}.wav', np.sin(np.arange(400) / (i + 2)), 44100)
    for out, workers in (('one', 1), ('two', 2)):
        assert resample(tmp_path / 'in', tmp_path / out, workers=workers).written == 20
    for name in files(tmp_path / 'in'):
        assert (tmp_path / 'one' / name).read_bytes() == (tmp_path / 'two' / name).read_bytes()


def test_full_disk_leaves_no_incomplete_file(folder, tmp_path, small_disk):
    with small_disk(1000), pytest.raises(OSError, match='cannot write .*choose another --out'):
        resample(folder, tmp_path / 'out')
    assert files(tmp_path / 'out') == []


@pytest.mark.parametrize('error', [errno.EACCES, errno.EROFS])
def test_read_only_folder_is_named_with_the_remedy(folder, tmp_path, monkeypatch, error):
    """The folder becomes read-only after it was made. Permissions alone do not apply to root."""
    out = tmp_path / 'out'
    out.mkdir()
    built_in_open = open

    def read_only(path, mode='r', **kwargs):
        if 'w' in mode and str(path).startswith(str(out)):
            raise OSError(error, os.strerror(error), path)
        return built_in_open(path, mode, **kwargs)

    monkeypatch.setattr('builtins.open', read_only)
    with pytest.raises(OSError, match=rf'cannot write {out}.*allow writing there or choose another --out'):
        resample(folder, out)
    assert files(out) == []


@pytest.mark.skipif(os.geteuid() == 0, reason='permissions do not apply to root; the test above replaces this one')
def test_folder_without_permission(folder, tmp_path):
    (tmp_path / 'out').mkdir(mode=0o555)
    with pytest.raises(OSError, match='allow writing there'):
        resample(folder, tmp_path / 'out')
    assert files(tmp_path / 'out') == []


@pytest.mark.parametrize('out', ['in', 'in/copies', '.', 'link'])
def test_folders_must_not_contain_each_other(folder, tmp_path, out):
    (tmp_path / 'link').symlink_to(folder)
    with pytest.raises(ValueError, match='--out and .* must not contain each other'):
        resample(folder, tmp_path / out)


def test_bad_arguments(folder, tmp_path):
    for kwargs, message in ((dict(subtype='PCM_8'), '--subtype'), (dict(sample_rate=0), '--rate')):
        with pytest.raises(ValueError, match=message):
            resample(folder, tmp_path / 'out', **kwargs)
    with pytest.raises(ValueError, match='--workers'):
        resample(folder, tmp_path / 'out', workers=0)
    (tmp_path / 'empty').mkdir()
    for name in ('empty', 'nowhere'):
        with pytest.raises(FileNotFoundError, match=name):
            resample(tmp_path / name, tmp_path / 'out')

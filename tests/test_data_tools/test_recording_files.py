"""Folders of VGGSound videos as they were downloaded, and files that are no WAVs, in place of recordings."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from avsbench_tree import write_s4
from scipy.io import wavfile
from vpo_sources import FOLDERS, SourceSet, rows_of, tree

from mmavs.audio.reading import read_recording
from mmavs.data_tools.recording_files import find_recordings, write_recording
from mmavs.data_tools.resampling import resample_folder
from mmavs.data_tools.substitution.substitute import SubstitutionOptions, substitute_audio
from mmavs.data_tools.vpo_builder import build_vpo

pytest.importorskip('av')
from media import noise, write_sound, write_video  # noqa: E402


def test_files_are_found_by_name_sounds_before_videos(tmp_path):
    for name in ('a.mp4', 'b.mkv', 'b.flac', 'c.txt', 'd.MP4', 'e.wav', 'e.mp3'):
        (tmp_path / name).touch()
    found = find_recordings(str(tmp_path), ['a', 'b', 'c', 'd', 'e', 'f'])
    assert {stem: Path(path).name for stem, path in found.items()} == dict(a='a.mp4', b='b.flac', d='d.MP4', e='e.wav')
    assert find_recordings(str(tmp_path / 'nowhere'), ['a']) == {}


def test_wav_is_placed_and_others_are_converted(tmp_path):
    samples = np.round(noise(1, 44100, 2) * 2**15) / 2**15
    soundfile.write(tmp_path / 'a.wav', samples.T, 44100, 'PCM_16')
    video = write_sound(tmp_path / 'a.mp4', samples, 44100, 'flac')
    named_wav = Path(write_sound(tmp_path / 'b.mp4', samples, 44100, 'flac')).rename(tmp_path / 'b.wav')
    write_recording((str(tmp_path / 'a.wav'), str(tmp_path / 'out' / 'a.wav'), 'symlink'))
    assert os.path.islink(tmp_path / 'out' / 'a.wav')
    expected = read_recording(str(tmp_path / 'a.wav'))
    for source, name in ((video, 'v.wav'), (str(named_wav), 'w.wav')):
        write_recording((source, str(tmp_path / 'out' / name), 'symlink'))
        rate, written = wavfile.read(tmp_path / 'out' / name)
        assert rate == 16000 and torch.equal(torch.from_numpy(written.copy()), expected)
    (tmp_path / 'c.mp4').write_bytes(b'gone')
    with pytest.raises(OSError, match=r'c\.mp4, which holds text'):
        write_recording((str(tmp_path / 'c.mp4'), str(tmp_path / 'out' / 'c.wav'), 'copy'))


def to_videos(folder, target):
    """The same recordings as lossless tracks of MP4 files, one of them under the suffix .wav."""
    target.mkdir()
    for number, path in enumerate(sorted(folder.iterdir())):
        samples, rate = soundfile.read(path, always_2d=True)
        video = Path(write_sound(target / f'{path.stem}.mp4', samples.T, rate, 'flac'))
        if number == 0:
            video.rename(video.with_suffix('.wav'))


def test_folder_of_videos_is_converted_once(tmp_path):
    (tmp_path / 'in').mkdir()
    images = [np.zeros((32, 32, 3), np.uint8)] * 5
    for name in ('abc_000030', 'def_000010'):
        write_video(tmp_path / 'in' / f'{name}.mp4', images, sound=noise(1, 44100, 2), rate=44100)
    soundfile.write(tmp_path / 'in' / 'def_000010.wav', noise(0.5, 8000).T, 8000)  # extracted before
    (tmp_path / 'in' / 'ghi_000000.mp4').write_bytes(b'not available')
    (tmp_path / 'in' / 'mute_000000.mp4').write_bytes(Path(write_video(tmp_path / 'm.mp4', images)).read_bytes())
    done = resample_folder(str(tmp_path / 'in'), str(tmp_path / 'out'), workers=1)
    assert done.written == 2 and [Path(path).stem for path, _ in done.failed] == ['ghi_000000', 'mute_000000']
    assert 'holds text' in done.failed[0][1] and 'no audio track' in done.failed[1][1]
    assert soundfile.info(tmp_path / 'out' / 'def_000010.wav').frames == 8000
    info = soundfile.info(tmp_path / 'out' / 'abc_000030.wav')
    assert (info.samplerate, info.channels) == (16000, 1) and info.frames >= 16000
    assert resample_folder(str(tmp_path / 'in'), str(tmp_path / 'out'), workers=1).kept == 2


def test_build_from_videos_equals_the_build_from_recordings(tmp_path):
    source = SourceSet(tmp_path).recordings(names=('cat', 'dog'), train=3, test=2)
    for image_id in range(1, 13):
        source.image(image_id, ('cat', 2, 2, 20, 20), ('dog', 30, 5, 60, 25))
    paths = source.write(test_fraction=0.3, min_area=0.0)
    build_vpo('ss', **paths)
    to_videos(tmp_path / 'sounds', tmp_path / 'videos')
    videos = {**paths, 'sounds': str(tmp_path / 'videos'), 'out': str(tmp_path / 'out2')}
    build_vpo('ss', **videos)
    assert rows_of(paths['out'], 'ss') == rows_of(videos['out'], 'ss')
    made = sorted((tmp_path / 'out2' / 'VGGSound' / 'audios').iterdir())
    assert made and all(path.suffix == '.wav' for path in made)
    for path in made:
        original = read_recording(str(tmp_path / 'sounds' / path.name))
        assert torch.equal(read_recording(str(path)), original)
    before = tree(videos['out'])
    build_vpo('ss', **videos)  # everything is there
    assert tree(videos['out']) == before
    assert set(FOLDERS) >= {'ss'}


def test_substitution_takes_videos(tmp_path):
    write_s4(tmp_path / 's4', clips=1)
    (tmp_path / 'videos').mkdir()
    rows, sounds = [], {}
    for label in ('dog barking', 'playing piano, loudly'):
        for i in range(6):
            name = f'{label[:3]}{i}_{i:06d}'
            sounds[name] = np.round(noise(6, 16000, seed=len(sounds)) * 2**15) / 2**15
            write_sound(tmp_path / 'videos' / f'{name}.mp4', sounds[name], 16000, 'flac')
            rows.append(f'{label[:3]}{i},{i},"{label}",{"train" if i < 4 else "test"}\n')
    (tmp_path / 'list.csv').write_text(''.join(rows))
    done = substitute_audio(
        SubstitutionOptions(
            root=str(tmp_path / 's4'),
            out=str(tmp_path / 'out'),
            sounds_csv=str(tmp_path / 'list.csv'),
            sounds=str(tmp_path / 'videos'),
            workers=1,
        )
    )
    assert done.written == done.clips and not done.unusable
    for line in (tmp_path / 'out' / 'substitution.csv').read_text().splitlines()[1:]:
        clip, name = line.split(',')[:2]
        _, split, category, video = clip.split('/')
        path = tmp_path / 'out/Single-source/s4_data/audio_wav' / split / category / f'{video}.wav'
        assert np.allclose(wavfile.read(path)[1], sounds[name][0, 8000:88000], atol=1e-6)

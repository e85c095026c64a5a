import numpy as np
import pytest
import soundfile

from mmavs.data_tools.vpo_builder import recordings
from mmavs.data_tools.vpo_builder.cache import ResultCache
from mmavs.data_tools.vpo_builder.recordings import (
    Recording,
    group_recordings,
    probe_recordings,
    read_sounds_csv,
    recording_problem,
    take_validation,
)
from mmavs.datasets.metainfo.vpo_classes import load_class_table


def read(tmp_path, text):
    (tmp_path / 'sounds.csv').write_text(text)
    return read_sounds_csv(str(tmp_path / 'sounds.csv'))


def test_rows_of_vggsound_with_and_without_header(tmp_path):
    rows = '-0jeONf82dE,21,"bird chirping, tweeting",train\nabc,0,cat meowing,test\n'
    expected = [
        Recording('-0jeONf82dE_000021', '-0jeONf82dE', 'bird chirping, tweeting', 'train'),
        Recording('abc_000000', 'abc', 'cat meowing', 'test'),
    ]
    for header in ('', 'id,start second,label,split\n', '\ufeff# YouTube ID,start seconds,label,train/test split\n'):
        assert read(tmp_path, header + rows) == (expected, [])
    assert read(tmp_path, 'split,label,id,start\ntest,cat meowing,abc,0\n') == (expected[1:], [])


@pytest.mark.parametrize(
    'text, message',
    [
        ('a,0,dog barking\n', 'line 1.*3 fields'),
        ('a,0,dog barking,train\nb,x,dog barking,train\n', 'line 2.*start'),
        ('a,0,dog barking,training\n', "'training'"),
        ('../a,0,dog barking,train\n', 'file name'),
        ('id,start,label\na,0,dog barking\n', 'no column split'),
    ],
)
def test_malformed_rows_name_file_and_line(tmp_path, text, message):
    with pytest.raises(ValueError, match='sounds.csv.*' + message):
        read(tmp_path, text)


def test_contradictory_rows_are_not_used(tmp_path):
    rows = 'a,0,dog barking,train\na,0,dog barking,test\nb,0,dog barking,train\nb,0,dog barking,train\n'
    usable, doubtful = read(tmp_path, rows)
    assert [r.name for r in usable] == ['b_000000']
    assert [name for name, _ in doubtful] == ['a_000000']


def test_good_recordings_have_no_problem(tmp_path):
    tone = np.sin(np.arange(20000) / 9) / 3
    for number, (rate, subtype) in enumerate(((8000, 'PCM_16'), (44100, 'PCM_U8'), (16000, 'FLOAT'), (8000, 'ALAW'))):
        path = str(tmp_path / f'{number}.wav')
        soundfile.write(path, np.stack([tone, tone], 1) if number % 2 else tone, rate, subtype)
        assert recording_problem((path, 3.0)) == ''


def test_problems_of_recordings_are_named(tmp_path):
    tone = np.sin(np.arange(20000) / 9) / 3
    path = tmp_path / 'sound.wav'
    soundfile.write(path, tone, 8000)
    whole = path.read_bytes()
    broken = np.array([0.1, np.nan, 0.1])
    for make, reason in (
        (lambda: path.write_bytes(whole[:-5000]), '5000 bytes'),
        (lambda: path.write_bytes(whole[:30]), 'decoded'),
        (lambda: path.write_bytes(b''), 'decoded'),
        (lambda: path.write_text('<html>'), 'decoded'),
        (lambda: soundfile.write(path, np.zeros(0), 8000), 'no samples'),
        (lambda: soundfile.write(path, np.zeros(99), 8000), 'silent'),
        (lambda: soundfile.write(path, broken, 8000, 'FLOAT'), 'not finite'),
        (lambda: soundfile.write(path, np.array([1, np.inf]), 8000, 'FLOAT'), 'not finite'),
    ):
        make()
        problem = recording_problem((str(path), 3.0))
        assert reason in problem
        assert str(tmp_path) not in problem


def test_stream_of_unknown_length_is_complete(tmp_path):
    path = tmp_path / 'stream.wav'
    soundfile.write(path, np.sin(np.arange(500)) / 2, 8000)
    data = bytearray(path.read_bytes())
    at = data.index(b'data') + 4
    data[at : at + 4] = b'\xff' * 4
    path.write_bytes(data)
    assert recording_problem((str(path), 3.0)) == ''


def test_probing_lists_problems_and_is_not_repeated(tmp_path, alone, monkeypatch):
    soundfile.write(tmp_path / 'good.wav', np.sin(np.arange(99)) / 2, 8000)
    (tmp_path / 'bad.wav').write_text('x')
    cache_file = str(tmp_path / 'cache.jsonl')

    def probe():
        with ResultCache(cache_file, '') as cache:
            return probe_recordings(['bad', 'gone', 'good'], folder=str(tmp_path), seconds=3.0, cache=cache, pool=alone)

    first = probe()
    assert set(first) == {'bad', 'gone'}
    assert first['gone'] == 'missing'
    calls = []
    monkeypatch.setattr(recordings, 'recording_problem', lambda job: calls.append(job) or '')
    assert probe() == first
    assert calls == []
    soundfile.write(tmp_path / 'bad.wav', np.sin(np.arange(99)) / 2, 8000)
    assert probe() == {'gone': 'missing'}
    assert calls == [(str(tmp_path / 'bad.wav'), 3.0)]


def some(number, label='dog barking', split='train'):
    return [Recording(f'{label[:3]}{split}{i}_000000', f'{label[:3]}{split}{i}', label, split) for i in range(number)]


def test_validation_takes_a_share_of_each_label():
    listed = some(20) + some(2, 'cat meowing') + some(1, 'sheep bleating') + some(5, split='test')
    taken = take_validation(listed, fraction=0.2, seed=0)
    assert [r._replace(split='train') if r.split == 'val' else r for r in taken] == listed
    moved = [r.label for r in taken if r.split == 'val']
    assert sorted(moved) == ['cat meowing', *['dog barking'] * 4]
    assert take_validation(listed, fraction=0.0, seed=0) == listed
    assert take_validation(listed, fraction=0.2, seed=1) != taken


def test_recordings_of_one_video_are_in_one_split():
    listed = [
        Recording(f'v{i // 3}_{i:06d}', f'v{i // 3}', ('dog barking', 'cat meowing')[i % 2], 'train') for i in range(60)
    ]
    split_of = {}
    for r in take_validation(listed, fraction=0.3, seed=0):
        split_of.setdefault(r.video, set()).add(r.split)
    assert all(len(splits) == 1 for splits in split_of.values())
    assert {'train', 'val'} == set.union(*split_of.values())


def test_recordings_are_grouped_by_split_and_class():
    table = load_class_table()
    dog, cat = table.names.index('dog') - 1, table.names.index('cat') - 1
    grouped = group_recordings(some(2) + some(1, 'cat meowing', 'test') + some(1, 'no such label'), table)
    assert grouped == {'train': {dog: ['dogtrain0_000000', 'dogtrain1_000000']}, 'test': {cat: ['cattest0_000000']}}


def test_list_that_is_not_in_utf8_or_has_an_open_quotation_mark(tmp_path):
    (tmp_path / 'sounds.csv').write_bytes('a,0,dog barking,train\nb,0,Säge,train\n'.encode('cp1252'))
    with pytest.raises(ValueError, match=r'sounds\.csv, line 2: the text is not UTF-8'):
        read_sounds_csv(str(tmp_path / 'sounds.csv'))
    with pytest.raises(ValueError, match=r'sounds\.csv cannot be read as CSV'):
        read(tmp_path, 'a,0,"dog barking,train\n' + 'b,0,dog barking,train\n' * 10_000)


def test_recordings_that_loading_refuses(tmp_path):
    tone = np.sin(np.arange(20000) / 9) / 3
    soundfile.write(tmp_path / 'loud.wav', 1e19 * tone, 8000, subtype='FLOAT')
    assert 'where full scale is 1' in recording_problem((str(tmp_path / 'loud.wav'), 3.0))
    soundfile.write(tmp_path / 'cut.wav', tone, 8000, format='RF64')
    (tmp_path / 'cut.wav').write_bytes((tmp_path / 'cut.wav').read_bytes()[:-100])
    assert recording_problem((str(tmp_path / 'cut.wav'), 3.0)) == 'truncated: 100 bytes of audio are missing'


@pytest.mark.parametrize(
    ('make', 'problem'),
    [
        (lambda tone: np.full_like(tone, 0.3), 'silent: peak'),  # a constant offset
        (lambda tone: np.stack([tone, -tone], 1), 'silent: peak'),  # the channels are averaged
        (lambda tone: 0.5 + 1e-5 * tone, 'silent: peak'),
        (lambda tone: 0.5 + 1e-4 * tone, ''),
        (lambda tone: np.where(np.abs(np.linspace(-5, 5, len(tone))) < 1.6, 0.3, tone), 'silent in the middle 3 s: '),
        (lambda tone: np.where(np.abs(np.linspace(-5, 5, len(tone))) < 1.4, 0.3, tone), ''),
    ],
)
def test_silent_recordings_and_those_silent_in_the_seconds_that_samples_take(tmp_path, make, problem):
    tone = np.sin(np.arange(80000) / 9) * 0.9  # 10 s
    soundfile.write(tmp_path / 'a.wav', make(tone), 8000, subtype='FLOAT')
    found = recording_problem((str(tmp_path / 'a.wav'), 3.0))
    assert found.startswith(problem) and bool(found) == bool(problem)

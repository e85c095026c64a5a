"""S4 with other recordings as audio: the choice of recordings, and the source, which must not change."""

import csv
import json
import os
import shutil
from collections import Counter

import numpy as np
import pytest
import soundfile
import torch
import yaml
from avsbench_tree import CATEGORIES, SPLITS, write_s4

from mmavs.audio.reading import read_clip
from mmavs.data_tools.substitution import clip_copy as module
from mmavs.data_tools.substitution.recording_choice import assign, category_of_label, group_by_category
from mmavs.data_tools.substitution.substitute import SubstitutionOptions, substitute_audio
from mmavs.data_tools.vpo_builder.recordings import Recording
from mmavs.datasets import AVSBenchObjectDataset
from mmavs.datasets.clip_dataset import Clip

LABELS = {'dog_barking': 'dog barking', 'playing_piano': 'playing piano, loudly'}


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    """S4, and four recordings of each category for training and two for testing; tones with different pitches."""
    root = tmp_path_factory.mktemp('source')
    write_s4(root / 'avsbench', clips=3)
    (root / 'audios').mkdir()
    rows = []
    for k, label in enumerate([*LABELS.values(), 'cat meowing']):
        for i in range(6):
            rows.append((f'{label[:3]}{i}', 10 * i, label, 'train' if i < 4 else 'test'))
            seconds, rate = (3 if i == 1 else 8), (44100 if i == 2 else 16000)  # one is too short, one is resampled
            t = np.arange(seconds * rate) / rate
            wave = 0.3 * np.sin(2 * np.pi * (300 + 100 * k + 10 * i) * t)
            soundfile.write(root / 'audios' / f'{label[:3]}{i}_{10 * i:06d}.wav', wave, rate)
    with open(root / 'vggsound.csv', 'w', newline='') as f:
        csv.writer(f).writerows(rows)
    return root


def options(source, out, **kwargs):
    given = dict(
        root=str(source / 'avsbench'),
        out=str(out),
        sounds_csv=str(source / 'vggsound.csv'),
        sounds=str(source / 'audios'),
        workers=1,
    )
    return SubstitutionOptions(**{**given, **kwargs})


def clips_of(root, split):
    return list(AVSBenchObjectDataset('s4', split, data_root=str(root), lazy_init=True).load_clips())


def table_of(out):
    with open(out / 'substitution.csv', newline='') as f:
        return {row['clip']: row['recording'] for row in csv.DictReader(f)}


def contents(root):
    return {p.relative_to(root): (p.read_bytes(), p.stat().st_mtime_ns) for p in root.rglob('*') if p.is_file()}


@pytest.fixture(scope='module')
def made(source, tmp_path_factory):
    out = tmp_path_factory.mktemp('made') / 'out'
    before = contents(source)
    done = substitute_audio(options(source, out))
    assert (done.clips, done.written, done.unusable) == (18, 18, [])
    assert contents(source) == before, 'the source is never changed'
    return out


def test_every_clip_has_the_middle_of_a_recording_of_its_category(source, made):
    table = table_of(made)
    for split in SPLITS:
        for old, new in zip(clips_of(source / 'avsbench', split), clips_of(made, split), strict=True):
            assert old.name == new.name and table[new.name].startswith(LABELS[new.category][:3])
            wave, rate = soundfile.read(new.audio_path, dtype='float32')
            assert (wave.shape, rate) == ((80000,), 16000)
            expected = read_clip(str(source / 'audios' / f'{table[new.name]}.wav'), num_samples=80000)
            torch.testing.assert_close(torch.from_numpy(wave), expected, atol=1e-6, rtol=0)


def test_frames_and_masks_are_the_original_ones(source, made):
    for split in SPLITS:
        for old, new in zip(clips_of(source / 'avsbench', split), clips_of(made, split), strict=True):
            for a, b in zip((*old.frames, *old.masks), (*new.frames, *new.masks), strict=True):
                assert (a is None) == (b is None)
                assert a is None or (os.path.realpath(b) == os.path.realpath(a) and os.path.islink(b))


def test_no_recording_is_in_two_splits_and_all_are_used_equally(made):
    used = {split: Counter() for split in SPLITS}
    for clip, recording in table_of(made).items():
        used[clip.split('/')[1]][recording] += 1
    names = [set(found) for found in used.values()]
    assert all(not a & b for i, a in enumerate(names) for b in names[:i])
    for split in SPLITS:
        for category in CATEGORIES:
            uses = [n for name, n in used[split].items() if name.startswith(LABELS[category][:3])]
            assert sum(uses) == 3 and max(uses) - min(uses) <= (1 if split != 'val' else 0)


def test_same_seed_gives_the_same_files_for_any_number_of_workers(source, made, tmp_path):
    substitute_audio(options(source, tmp_path / 'again', workers=2))
    substitute_audio(options(source, tmp_path / 'other', seed=1))
    files = lambda root: {p.relative_to(root): p.read_bytes() for p in root.rglob('*') if p.is_file()}  # noqa: E731
    assert files(tmp_path / 'again') == files(made)
    assert table_of(tmp_path / 'other') != table_of(made)


@pytest.mark.parametrize('mode', ['copy', 'hardlink'])
def test_copies_and_hard_links(source, tmp_path, mode):
    substitute_audio(options(source, tmp_path / 'out', copy_mode=mode))
    frame, old = (clips_of(root, 'val')[0].frames[0] for root in (tmp_path / 'out', source / 'avsbench'))
    assert not os.path.islink(frame) and os.path.samefile(frame, old) == (mode == 'hardlink')


def test_interrupted_run_resumes(source, made, tmp_path, monkeypatch):
    out, written = tmp_path / 'out', []

    def interrupted(path, content):
        if len(written) == 7:
            raise KeyboardInterrupt
        written.append(path)
        write_bytes(path, content)

    write_bytes = module.write_bytes
    with monkeypatch.context() as patch:
        patch.setattr(module, 'write_bytes', interrupted)
        with pytest.raises(KeyboardInterrupt):
            substitute_audio(options(source, out))
    assert not (out / 'Single-source' / 's4_meta_data.csv').exists(), 'a tree that is not complete does not load'
    assert substitute_audio(options(source, out)).written == 11
    assert substitute_audio(options(source, out)).written == 0
    assert table_of(out) == table_of(made)


def test_other_settings_need_another_folder_or_overwrite(source, tmp_path):
    out = tmp_path / 'out'
    substitute_audio(options(source, out))
    sound = clips_of(out, 'train')[0].audio_path
    with pytest.raises(ValueError, match='other recordings or settings.*--overwrite'):
        substitute_audio(options(source, out, seed=1))
    assert os.path.isfile(sound)
    assert substitute_audio(options(source, out, seed=1, overwrite=True)).written == 18
    table = table_of(out)
    wave, _ = soundfile.read(sound, dtype='float32')
    recording = source / 'audios' / f'{table[clips_of(out, "train")[0].name]}.wav'
    torch.testing.assert_close(torch.from_numpy(wave), read_clip(str(recording), num_samples=80000))
    assert json.loads((out / 'substitution.json').read_text())['seed'] == 1


def test_tree_of_another_program_is_kept(source, tmp_path):
    out = shutil.copytree(source / 'avsbench', tmp_path / 'out')
    before = contents(out)
    with pytest.raises(ValueError, match='was not made by this tool'):
        substitute_audio(options(source, out, overwrite=True))
    assert contents(out) == before
    for inside in (source / 'avsbench' / 'new', source):
        with pytest.raises(ValueError, match='and .* must not contain each other'):
            substitute_audio(options(source, inside))


def test_broken_recordings_are_left_out_and_listed(source, tmp_path):
    own = shutil.copytree(source, tmp_path / 'own')
    (own / 'audios' / 'dog0_000000.wav').unlink()
    (own / 'audios' / 'dog4_000040.wav').write_text('<html>')
    done = substitute_audio(options(own, tmp_path / 'out'))
    assert [(name, reason[:7]) for name, reason in done.unusable] == [
        ('dog0_000000', 'missing'),
        ('dog4_000040', 'cannot '),
    ]
    assert not {'dog0_000000', 'dog4_000040'} & set(table_of(tmp_path / 'out').values())


def test_categories_without_recordings_are_named(source, tmp_path):
    labels = tmp_path / 'labels.yaml'
    labels.write_text(yaml.safe_dump({'dog_barking': ['cat meowing'], 'playing_piano': ['unheard of']}))
    with pytest.raises(
        ValueError, match=r'playing_piano \(test\), playing_piano \(train\), playing_piano \(val\).*--labels'
    ):
        substitute_audio(options(source, tmp_path / 'out', labels=str(labels)))
    labels.write_text(yaml.safe_dump({'dog_barking': ['cat meowing']}))
    substitute_audio(options(source, tmp_path / 'out', labels=str(labels)))
    assert all(r.startswith('cat') == ('dog' in c) for c, r in table_of(tmp_path / 'out').items())
    labels.write_text('dog_barking: cat meowing')
    with pytest.raises(ValueError, match='must map each category to a list'):
        substitute_audio(options(source, tmp_path / 'out', labels=str(labels)))


def test_a_missing_frame_is_named(source, tmp_path):
    own = shutil.copytree(source, tmp_path / 'own')
    os.unlink(clips_of(own / 'avsbench', 'val')[1].frames[2])
    with pytest.raises(FileNotFoundError, match=r'_3\.png does not exist; check_avsbench\.py'):
        substitute_audio(options(own, tmp_path / 'out'))


@pytest.mark.parametrize(
    ('kwargs', 'error', 'message'),
    [
        (dict(sounds='gone'), FileNotFoundError, 'gone does not exist'),
        (dict(root='gone'), FileNotFoundError, 'gone'),
        (dict(copy_mode='move'), ValueError, '--copy-mode'),
        (dict(val_fraction=0.0), ValueError, '--val-fraction'),
        (dict(workers=0), ValueError, '--workers'),
    ],
)
def test_bad_options(source, tmp_path, kwargs, error, message):
    with pytest.raises(error, match=message):
        substitute_audio(options(source, tmp_path / 'out', **kwargs))
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('label', 'category'),
    [
        ('male speech, man speaking', 'male_speech'),
        ('playing violin, fiddle', 'playing_violin'),
        ('race car, auto racing', 'race_car'),
        ('horse clip-clop', 'horse_clip-clop'),
        ('helicopter', 'helicopter'),
    ],
)
def test_names_of_the_released_categories(label, category):
    assert category_of_label(label) == category
    recording = Recording('a_000000', 'a', label, 'train')
    assert group_by_category([recording], [category, 'other'], {}) == {('train', category): [recording]}


def clip(name):
    return Clip(f's4/train/c/{name}', (), (), '', None, 'gray', 'c')


def test_no_clip_gets_a_recording_of_its_own_video():
    pool = [Recording(f'v{i}_000000', f'v{i}', 'c', 'train') for i in range(3)]
    for seed in range(20):
        table = assign({'train': [clip(f'v{i}_5') for i in range(3)]}, {('train', 'c'): pool}, seed=seed)
        assert all(not name.rsplit('/', 1)[1].startswith(r.video) for name, r in table.items())
    with pytest.raises(ValueError, match=r'all recordings of c \(train\) belong to the video of clip s4/train/c/v0_5'):
        assign({'train': [clip('v0_5')]}, {('train', 'c'): pool[:1]}, seed=0)

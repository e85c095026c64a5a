"""The check of unpacked AVSBench trees: every kind of damage is listed, and the counts of the page are correct."""

import csv
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from avsbench_tree import SIZE, write_image, write_ms3, write_recording, write_s4, write_semantic

from mmavs.datasets.metainfo.avsbench_classes import default_classes

TOOLS = Path(__file__).resolve().parents[2] / 'tools' / 'dataset_converters'
sys.path.insert(0, str(TOOLS))

from check_avsbench import main  # noqa: E402


@pytest.fixture(scope='module')
def clean(tmp_path_factory):
    root = tmp_path_factory.mktemp('clean')
    write_ms3(write_s4(root / 'object', clips=1), clips=1)
    write_semantic(root / 'semantic')
    for i, path in enumerate(sorted(root.rglob('*.wav'))):  # all different: equal recordings in two splits are reported
        write_recording(path, 10 if '/v2/' in str(path) else 5, 16000 + 50 * i)
    return root


@pytest.fixture
def root(clean, tmp_path):
    return shutil.copytree(clean, tmp_path / 'own')


def check(root, tmp_path, *words):
    """Exit status, problems as (level, kind, name of the file) and the page."""
    report, page = tmp_path / 'problems.csv', tmp_path / 'page.md'
    roots = [str(root / name) for name in ('object', 'semantic')]
    with pytest.raises(SystemExit) as status:
        main([*roots, '--workers', '1', '--report', str(report), '--page', str(page), *words])
    with open(report, newline='') as f:
        found = [(row['level'], row['kind'], Path(row['path']).name) for row in csv.DictReader(f)]
    return status.value.code, found, page.read_text()


def rows_of(page, part):
    """The table rows below a part's heading, as lists of cells."""
    section = page.split(f'## {part}\n')[1].split('\n## ')[0]
    return [[c.strip() for c in line.strip('|').split('|')] for line in section.splitlines() if line.startswith('|')]


def test_a_clean_tree(clean, tmp_path, capsys):
    status, found, page = check(clean, tmp_path)
    assert (status, found) == (0, []) and 'No problems' in capsys.readouterr().out
    rows = rows_of(page, 'S4')
    assert ['train', '2', '10', '2', '0', '1'] in rows and ['test', '2', '10', '10', '0', '1'] in rows
    assert ['sounding object', '2', '10', '10'] in rows
    assert ['dog_barking', '1', '1', '1', 'playing_piano', '1', '1', '1'] in rows
    assert ['val', '1', '5', '5', '1', '1'] in rows_of(page, 'MS3'), 'one of its seconds is silent'
    rows = rows_of(page, 'AVSS v2')
    assert ['train', '1', '10', '10', '0', '2'] in rows
    assert ['bell', '0', '0', '0'] not in rows and 'In no frame: accordion' in page
    (classes,) = [cells for cells in rows if 'bassoon' in cells]
    assert classes == ['bassoon', '10', '10', '10', default_classes()[60], '5', '5', '5']
    assert len(page.splitlines()) < 100 and 'S4 has 2, 2, 2 videos for train, val, test; as released' in page


FRAME = 'semantic/v2/v2val0/frames/3.jpg'
MASK = 'semantic/v2/v2val0/labels_semantic/3.png'
SOUND = 'semantic/v1m/v1mtest0/audio.wav'
DAMAGE = {
    'missing image': lambda r: (r / FRAME).unlink(),
    'unreadable image': lambda r: (r / FRAME).write_text('<html>'),
    'missing mask': lambda r: (r / MASK).unlink(),
    'truncated mask': lambda r: (r / MASK).write_bytes((r / MASK).read_bytes()[:-20]),
    'unknown mask values': lambda r: write_image(r / MASK, np.full(SIZE, 71, np.uint8)),
    'wrong mask type': lambda r: write_image(r / MASK, np.zeros((*SIZE, 3), np.uint8)),
    'mask of another size': lambda r: write_image(r / MASK, np.zeros((8, 8), np.uint8)),
    'missing recording': lambda r: (r / SOUND).unlink(),
    'too short recording': lambda r: write_recording(r / SOUND, 4.4),
}


@pytest.mark.parametrize('kind', DAMAGE)
def test_damage(root, tmp_path, kind):
    DAMAGE[kind](root)
    status, found, page = check(root, tmp_path)
    name = Path(SOUND if 'recording' in kind else FRAME if 'image' in kind else MASK).name
    expected = [('error', kind, name)]
    if kind == 'missing image':
        expected.insert(0, ('error', 'incomplete clip', 'frames'))
    assert status == 1 and found == expected
    part = 'AVSS v1m' if 'recording' in kind else 'AVSS v2'
    assert any(cells[:3] == ['error', kind, '1'] for cells in rows_of(page, part))


def test_slightly_too_short_recording_is_a_warning(root, tmp_path):
    write_recording(root / SOUND, 4.9)
    assert check(root, tmp_path)[:2] == (0, [('warning', 'short recording', 'audio.wav')])


def test_clips_with_fewer_frames_than_they_should_have(root, tmp_path):
    for k in (7, 8, 9):
        (root / 'semantic' / 'v2' / 'v2train0' / 'frames' / f'{k}.jpg').unlink()
    status, found, page = check(root, tmp_path)
    assert status == 1 and [kind for _, kind, _ in found] == ['incomplete clip', *['missing image'] * 3]
    assert 'clip v2/v2train0 should have 10 frames, 3 are missing' in page


def test_colors_not_in_the_palette(root, tmp_path):
    shutil.rmtree(root / 'semantic' / 'v2' / 'v2val0' / 'labels_semantic')
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[3:] = 1, 2, 3
    write_image(root / 'semantic' / 'v2' / 'v2val0' / 'labels_rgb' / '4.png', pixels)
    status, found, _ = check(root, tmp_path)
    assert (status, found) == (1, [('error', 'unknown mask colors', '4.png')])


def test_gray_masks_of_objects(root, tmp_path):
    folder = root / 'object' / 'Multi-sources' / 'ms3_data' / 'gt_masks' / 'val' / 'val0'
    write_image(folder / 'val0_1.png', np.full(SIZE, 128, np.uint8))
    assert check(root, tmp_path)[1] == [('error', 'unknown mask values', 'val0_1.png')]


def test_masks_with_few_pixels_of_a_class_are_warnings(root, tmp_path):
    pixels = np.zeros(SIZE, np.uint8)
    pixels[0, :8] = 5
    write_image(root / MASK, pixels)
    status, found, page = check(root, tmp_path)
    assert (status, found) == (0, [('warning', 'class with few pixels', Path(MASK).name)])
    assert f'{default_classes()[5]} has 8' in page


def test_folder_without_avsbench(tmp_path):
    with pytest.raises(SystemExit, match='error: .* has none of Single-source/s4_meta_data.csv'):
        main([str(tmp_path)])

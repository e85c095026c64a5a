import runpy
import sys
from pathlib import Path

import cv2
import pytest
from tiny_config import write_tiny_config

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'analysis_tools' / 'browse_dataset.py'


@pytest.fixture
def browse(monkeypatch, tmp_path, vpo_root):
    config = write_tiny_config(tmp_path / 'tiny.py', vpo_root)

    def run(*args):
        monkeypatch.syspath_prepend(str(TOOL.parent))
        monkeypatch.setattr(sys, 'argv', [str(TOOL), str(config), *map(str, args)])
        runpy.run_path(str(TOOL), run_name='__main__')

    return run


def test_one_picture_for_each_sample(browse, tmp_path, capsys):
    browse('--output-dir', tmp_path / 'out', '--indices', 0, 2)
    found = sorted((tmp_path / 'out').glob('*.png'))
    assert len(found) == 2 and str(tmp_path / 'out') in capsys.readouterr().out
    assert all(cv2.imread(str(path)).shape[1] >= 1600 for path in found)


@pytest.mark.slow
def test_the_seed_sets_the_augmentation(browse, tmp_path):
    for name, seed in (('a', 0), ('b', 0), ('c', 1)):
        browse('--output-dir', tmp_path / name, '--indices', 1, '--seed', seed)
    a, b, c = (next((tmp_path / name).glob('*.png')).read_bytes() for name in 'abc')
    assert a == b != c


def test_index_beyond_the_data_set(browse, tmp_path):
    with pytest.raises(SystemExit, match=r'--indices must lie in \[0, \d+\]'):
        browse('--output-dir', tmp_path / 'out', '--indices', 1000)

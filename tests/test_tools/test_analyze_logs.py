import json
import os
import runpy
from pathlib import Path

import cv2
import pytest

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'analysis_tools' / 'analyze_logs.py'


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOL.parent))
    return runpy.run_path(str(TOOL))


@pytest.fixture
def work_dir(tmp_path):
    """A training of six steps that was killed while it wrote a line, and resumed from the fourth."""
    write(tmp_path / 'run' / '1' / 'vis_data', [train(s, 10 - s) for s in range(1, 7)], '{"loss": 3')
    write(tmp_path / 'run' / '2' / 'vis_data', [train(s, 100 - s) for s in range(5, 9)] + [dict(mIoU=40.5, step=2)])
    os.utime(tmp_path / 'run' / '1' / 'vis_data' / 'scalars.json', (0, 0))
    return tmp_path / 'run'


def train(step, loss):
    return dict(lr=0.1, loss=loss, epoch=1, iter=step, step=step)


def write(folder, entries, end=''):
    folder.mkdir(parents=True)
    text = '\n'.join(map(json.dumps, entries)) + '\n' + end
    (folder / 'scalars.json').write_text(text)


def test_resumed_parts_of_a_training_replace_earlier_ones(tool, work_dir):
    curves = tool['collect']([str(work_dir)], ['loss', 'mIoU'], None)
    assert curves['loss'] == [('run', [1, 2, 3, 4, 5, 6, 7, 8], [9, 8, 7, 6, 95, 94, 93, 92])]
    assert curves['mIoU'] == [('run', [2], [40.5])]


def test_picture_of_two_trainings(tool, work_dir, tmp_path):
    file = str(work_dir / '2' / 'vis_data' / 'scalars.json')
    out = tmp_path / 'curves.png'
    tool['main']([str(work_dir), file, '--keys', 'loss', 'mIoU', '--legend', 'a', 'b', '--out', str(out)])
    assert cv2.imread(str(out)).shape[1] >= 640


def test_unknown_key_names_those_of_the_log(tool, work_dir, tmp_path):
    with pytest.raises(SystemExit, match="no 'mIou'; did you mean 'mIoU'.*It has loss, lr, mIoU"):
        tool['main']([str(work_dir), '--keys', 'mIou', '--out', str(tmp_path / 'a.png')])


def test_folder_without_a_log(tool, tmp_path):
    with pytest.raises(SystemExit, match='pass the work directory of tools/train.py'):
        tool['main']([str(tmp_path), '--out', str(tmp_path / 'a.png')])


def test_damaged_line_names_file_and_line(tool, tmp_path):
    write(tmp_path / '1' / 'vis_data', [train(1, 2)], '{"loss"\n' + json.dumps(train(2, 1)))
    with pytest.raises(SystemExit, match=r'scalars\.json, line 2: not JSON'):
        tool['main']([str(tmp_path), '--keys', 'loss', '--out', str(tmp_path / 'a.png')])

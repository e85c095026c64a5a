"""tools/analysis_tools/kill_and_resume.py: one kill, and differences that its checks must find."""

import copy
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from tiny_config import ROOT, write_tiny_config

FOLDER = ROOT / 'tools' / 'analysis_tools'
STATE = dict(
    state_dict=dict(weight=torch.ones(3)),
    optimizer=dict(state={0: dict(step=torch.tensor(2.0), buffer=torch.zeros(2))}, groups=[dict(lr=0.1, betas=(0.9,))]),
    param_schedulers=[dict(last_step=4)],
)


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    import kill_and_resume

    return kill_and_resume


@pytest.fixture
def folders(tmp_path):
    """Two work dirs with equal checkpoints."""
    for name in ('killed', 'uninterrupted'):
        (tmp_path / name).mkdir()
        torch.save(STATE, tmp_path / name / 'iter_4.pth')
    return tmp_path / 'killed', tmp_path / 'uninterrupted'


@pytest.mark.slow
def test_one_kill_while_a_checkpoint_is_written(tmp_path, vpo_root):
    config = write_tiny_config(tmp_path / 'tiny.py', vpo_root)
    command = [sys.executable, FOLDER / 'kill_and_resume.py', config, '--work-dir', tmp_path / 'work']
    options = ['--kills', 1, '--writing', 1, '--interval', 1, '--cfg-options', 'train_cfg.val_interval=1']
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT), 'CUDA_VISIBLE_DEVICES': ''}
    done = subprocess.run([*map(str, command + options)], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'kill 1: after' in done.stdout and 'equal: bit-identical checkpoints' in done.stdout
    again = subprocess.run([*map(str, command)], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 1 and 'work is not empty' in again.stderr


def test_equal_checkpoints(tool, folders):
    assert tool.check_files(*folders) == []


@pytest.mark.parametrize(
    'path, value',
    [
        (('state_dict', 'weight'), torch.tensor([1.0, 1.0, 1.0000001])),
        (('optimizer', 'state', 0, 'step'), torch.tensor(3.0)),
        (('optimizer', 'state', 0, 'buffer'), torch.zeros(2, dtype=torch.float64)),
        (('optimizer', 'groups', 0, 'lr'), 0.2),
        (('param_schedulers', 0, 'last_step'), 5),
    ],
)
def test_the_smallest_difference_is_found(tool, folders, path, value):
    state = copy.deepcopy(STATE)
    place = state
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    torch.save(state, folders[0] / 'iter_4.pth')
    assert tool.check_files(*folders) == [f'iter_4.pth: {path[0]}']


@pytest.mark.parametrize('name', ['iter_2.pth', 'iter_4.pth.part'])
def test_remaining_files_are_found(tool, folders, name):
    (folders[0] / name).write_bytes(b'')
    (problem,) = tool.check_files(*folders)
    assert name in problem


def notes(**kinds):
    return SimpleNamespace(record='3.txt', notes=lambda kind: kinds.get(kind, []))


def test_repeated_and_different_samples_are_found(tool):
    """Index by (epoch, rank, draw); the training resumed in epoch 1 at draw 2."""
    uninterrupted = notes(read=[[0, 0, 0, 5], [1, 0, 2, 7], [1, 1, 2, 6], [1, 0, 3, 8]])
    good = notes(start=[[5, 1, 2]], read=[[1, 0, 3, 8], [1, 0, 2, 7], [1, 1, 2, 6]])
    assert tool.check_reads([good], uninterrupted) == []
    assert tool.check_reads([notes()], uninterrupted) == []  # killed before it began
    again = notes(start=[[5, 1, 2]], read=[[1, 0, 2, 7], [0, 0, 0, 5]])
    assert tool.check_reads([again], uninterrupted) == ['3.txt: draw 0 of pass 0 was loaded again']
    other = notes(start=[[5, 1, 2]], read=[[1, 0, 2, 6]])
    assert tool.check_reads([other], uninterrupted) == ['3.txt: draw 2 of pass 1 is another sample']

"""The benchmarks at tiny sizes: both implementations give equal results, and the records are complete."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools' / 'benchmarks'))

from speed.benchmarks import BENCHMARKS  # noqa: E402
from speed.compare import close  # noqa: E402
from speed.harness import is_met, time_alternately  # noqa: E402
from throughput import Setting, make_table, measure  # noqa: E402

from mmavs.models.fusion import CrossAttentionFusion  # noqa: E402

NAMES = (
    *('contrastive_loss_512', 'contrastive_loss_2048', 'sample', 'audio_44k', 'audio_16k', 'index', 'metrics'),
    *('fusion', 'train_step', 'train_step_default', 'inference'),
)


def test_names():
    assert set(NAMES) <= set(BENCHMARKS)


@pytest.mark.parametrize('name', [name for name in BENCHMARKS if name not in ('audio_16k', 'train_step_default')])
def test_both_sides_give_equal_results(name, tmp_path):
    case = BENCHMARKS[name].make(True, tmp_path)
    assert case.equal()
    case.ours(), case.reference()


@pytest.mark.parametrize('name', ['train_step', 'inference'])
def test_reference_network_does_not_use_our_fusion(name, tmp_path, monkeypatch):
    case = BENCHMARKS[name].make(True, tmp_path)
    monkeypatch.setattr(CrossAttentionFusion, 'fuse', None)
    case.reference()
    with pytest.raises(TypeError):
        case.ours()


def test_copies_at_16_khz_give_equal_audio(tmp_path):
    assert BENCHMARKS['audio_16k'].make(False, tmp_path).equal()


def test_different_results_are_detected(tmp_path, monkeypatch):
    from speed.reference import sample

    load = sample.load_audio
    monkeypatch.setattr(sample, 'load_audio', lambda sources, seconds: 1.001 * load(sources, seconds))
    assert not BENCHMARKS['audio_44k'].make(True, tmp_path).equal()


def test_close():
    one = torch.tensor([1.0, -200.0])
    assert close([one], [one + 0.01], 1e-4) and not close([one], [one + 0.03], 1e-4)
    assert not close([one], [torch.full((2,), float('nan'))], 1e-4)


def test_times_are_medians_without_the_first_call():
    ours, reference = iter([90.0, 3.0, 1.0, 2.0]), iter([80.0, 6.0, 5.0, 4.0])
    assert time_alternately(lambda: next(ours), lambda: next(reference), 3) == (2.0, 5.0)


@pytest.mark.parametrize(
    ('changes', 'met'),
    [
        ({}, True),
        (dict(equal=False), False),
        (dict(ratio=1.9), False),
        (dict(memory_goal=0.3, memory_ratio=0.31), False),
        (dict(memory_goal=0.3, memory_ratio=0.3), True),
        (dict(linear=2.3, linear_goal=2.2), False),
    ],
)
def test_a_benchmark_must_reach_all_its_goals(changes, met):
    figure = dict(equal=True, ratio=2.0, goal=2.0, memory_goal=None, memory_ratio=None)
    assert is_met(figure | changes) == met


@pytest.mark.slow
def test_run_all_writes_the_records(tmp_path, monkeypatch):
    (tmp_path / 'sitecustomize.py').write_text('print("output of a library")')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path), prepend=os.pathsep)
    command = [sys.executable, str(ROOT / 'tools' / 'benchmarks' / 'run_all.py'), '--tiny', '--rounds', '1']
    done = subprocess.run([*command, '--only', 'index', '--out', str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0  # no goal holds at tiny sizes
    (figure,) = json.loads((tmp_path / 'bench.json').read_text())
    assert figure['name'] == 'index' and figure['equal'] is True and figure['tiny'] is True
    assert figure['ratio'] == pytest.approx(figure['reference_seconds'] / figure['ours_seconds'])
    assert figure['memory_ratio'] is None and figure['linear'] > 0
    assert '| index |' in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    'setting',
    [Setting(2, 'fp32', 'channels_first', True), Setting(2, 'bf16', 'channels_last', False)],
    ids=lambda setting: setting.precision,
)
def test_throughput(setting):
    found = measure(setting, 'cpu', steps=1, tiny=True, backend='eager')
    assert found['images_per_second'] > 0 and found['peak_bytes'] is None
    assert 0 < found['share_of_peak'] < 1
    assert found['hours'] == pytest.approx(886_400 / found['images_per_second'] / 3600)


def test_throughput_table_shows_errors():
    setting = Setting(16, 'fp32', 'channels_last', False)._asdict()
    table = make_table([setting | dict(error='out of memory')])
    assert table.splitlines()[-1] == '| 16 | fp32 | channels last | no | out of memory |  |  |  |'

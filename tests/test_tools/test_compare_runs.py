import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from scipy import special

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools' / 'analysis_tools'))

import compare_runs  # noqa: E402
from run_results import read_metrics  # noqa: E402

TOOL = Path(compare_runs.__file__)
A, B = [50.0, 52.0, 54.0], [55.0, 53.0, 60.0, 58.0]


@pytest.fixture(scope='module')
def tool():
    return compare_runs


def write_test(folder, time='20250101_000000', **metrics):
    path = folder / time / f'{time}.json'
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(dict(metrics, data_time=0.1, time=0.2)))
    return path


def write_training(folder, *entries):
    path = folder / '20250101_000000' / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(json.dumps(entry) + '\n' for entry in entries))


@pytest.fixture
def runs(tmp_path):
    for side, values in (('a', A), ('b', B)):
        for seed, value in enumerate(values):
            write_test(tmp_path / f'{side}_seed{seed}' / 'test', mIoU=value, mF=value / 2)
    return tmp_path


def call(monkeypatch, tool, root, *words):
    patterns = ['--a', str(root / 'a_seed*' / 'test'), '--b', str(root / 'b_seed*' / 'test')]
    monkeypatch.setattr(sys, 'argv', ['compare_runs.py', *patterns, *map(str, words)])
    tool.main()


def by_hand(a, b, welch):
    """t of b minus a and the two-sided p, from the formulas, with the incomplete beta function."""
    means, n = [sum(v) / len(v) for v in (a, b)], [len(a), len(b)]
    variances = [sum((x - m) ** 2 for x in v) / (len(v) - 1) for v, m in zip((a, b), means, strict=True)]
    parts = [v / k for v, k in zip(variances, n, strict=True)]
    if welch:
        error, freedom = sum(parts), sum(parts) ** 2 / sum(p**2 / (k - 1) for p, k in zip(parts, n, strict=True))
    else:
        freedom = sum(n) - 2
        error = sum(v * (k - 1) for v, k in zip(variances, n, strict=True)) / freedom * sum(1 / k for k in n)
    t = (means[1] - means[0]) / math.sqrt(error)
    return t, special.betainc(freedom / 2, 0.5, freedom / (freedom + t * t))


@pytest.mark.parametrize('welch', [False, True])
def test_t_test_by_hand(tool, welch):
    found = tool.compare(A, B, welch=welch)
    assert (found['t'], found['p']) == pytest.approx(by_hand(A, B, welch))
    assert found['a']['mean'] == 52 and found['a']['std'] == 2 and found['difference'] == 4.5


def test_runs_that_do_not_vary_have_no_p_value(tool):
    found = tool.compare([1.0, 1.0], [1.0, 1.0])
    assert found['t'] is found['p'] is None
    assert tool.make_table(dict(mIoU=found), ['a', 'b']).endswith('| +0.00 | - | - |')


def test_table_and_json(tool, runs, monkeypatch, capsys):
    out = runs / 'deep' / 'figures.json'
    call(monkeypatch, tool, runs, '--names', 'original', 'substituted', '--out', out)
    lines = capsys.readouterr().out.splitlines()
    t, p = by_hand(A, B, False)
    assert lines[0] == '| metric | original | substituted | difference | t | p |'
    assert lines[2] == f'| mIoU | 52.00 ± 2.00 (3) | 56.50 ± 3.11 (4) | +4.50 | {t:.3f} | {p:.3f} |'
    assert [line.split()[1] for line in lines[2:4]] == ['mIoU', 'mF'] and lines[-1].endswith(
        "Student's two-sided t-test"
    )
    figures = json.loads(out.read_text())
    assert figures['metrics']['mIoU']['p'] == pytest.approx(p) and figures['metrics']['mIoU']['b']['values'] == B
    assert len(figures['runs']['a']) == 3 and not list(out.parent.glob('*.tmp'))


def write_counts(root, counts):
    for side, values in counts.items():
        for seed, value in enumerate(values):
            (path,) = (root / f'{side}_seed{seed}' / 'test').glob('*/*.json')
            path.write_text(json.dumps(json.loads(path.read_text()) | value))


def test_numbers_of_classes_are_below_the_table_and_not_in_it(tool, runs, monkeypatch, capsys):
    """mFDR of runs that predict different classes is not comparable."""
    out = runs / 'figures.json'
    fdr = dict(a=[5, 4, 5], b=[5, 5, 5, 5])
    counts = {side: [dict(mIoU_classes=5, mFDR_classes=n) for n in numbers] for side, numbers in fdr.items()}
    write_counts(runs, counts)
    call(monkeypatch, tool, runs, '--out', out)
    table, notes = capsys.readouterr().out.split('\n\nThe means are over:\n')
    assert '_classes' not in table
    assert notes.splitlines() == [
        '- mIoU: 5 classes',
        '- mFDR: classes differ between runs, so that the means are not comparable (a 4, 5; b 5)',
    ]
    assert json.loads(out.read_text())['counts']['mFDR_classes'] == fdr


def test_numbers_of_frames_of_j_and_f_are_printed(tool, runs, monkeypatch, capsys):
    frames = {'avsbench_object/J_frames': 74, 'avsbench_object/F_frames': 70, 'avsbench_object/F_clips': 15}
    write_counts(runs, dict(a=[frames] * 3, b=[frames] * 4))
    call(monkeypatch, tool, runs)
    assert capsys.readouterr().out.split('The means are over:\n')[1].splitlines() == [
        '- avsbench_object/J: 74 frames',
        '- avsbench_object/F: 70 frames',
        '- avsbench_object/F: 15 clips',
        '  J counts frames whose ground truth is empty, F leaves them out.',
    ]


def test_welch_and_choice_of_metrics(tool, runs, monkeypatch, capsys):
    call(monkeypatch, tool, runs, '--welch', '--metrics', 'mF')
    out = capsys.readouterr().out
    assert "Welch's" in out and f'{by_hand(A, B, True)[1]:.3f}' in out and 'mIoU' not in out


def test_latest_test_of_a_work_dir_is_read(tmp_path):
    os.utime(write_test(tmp_path, '20250102_000000', mIoU=1), (1, 1))
    os.utime(write_test(tmp_path, '20250101_000000', mIoU=2), (2, 2))
    assert read_metrics(tmp_path) == dict(mIoU=2)


def test_last_validation_of_a_training(tmp_path):
    write_training(
        tmp_path,
        dict(lr=0.1, loss=2.0, step=1),
        dict(mIoU=10.0, data_time=0.1, time=0.1, step=1),
        {'lr': 0.1, 'decode.loss_ce': 1.0, 'step': 2},
        dict(mIoU=20.0, data_time=0.1, time=0.1, step=2),
        dict(lr=0.1, loss=1.0, step=3),
    )
    assert read_metrics(tmp_path, 'val') == dict(mIoU=20, step=2)


def test_training_that_stopped_early(tool):
    runs = {str(i): dict(mIoU=1.0, step=60) for i in range(3)}
    with pytest.raises(ValueError, match='different steps, so a training has not finished; .*b: 30'):
        tool.check_runs(runs, dict(a=dict(mIoU=1.0, step=60), b=dict(mIoU=1.0, step=30)), None)
    assert tool.check_runs(runs, dict(a=dict(mIoU=1.0, step=60), b=dict(mIoU=1.0, step=60)), None) == ['mIoU']


def damage(root, how):
    test = root / 'b_seed0' / 'test'
    (path,) = test.glob('*/*.json')
    if how == 'unfinished':
        path.unlink()
    elif how == 'cut':
        path.write_text(path.read_text()[:9])
    elif how == 'nan':
        path.write_text('{"mIoU": NaN, "mF": 1}')
    elif how == 'metric':
        path.write_text('{"mIoU": 1}')
    elif how == 'few':
        for seed in (1, 2, 3):
            (root / f'b_seed{seed}').rename(root / f'other{seed}')
    elif how == 'none':
        for seed in range(4):
            (root / f'b_seed{seed}').rename(root / f'other{seed}')


@pytest.mark.parametrize(
    ('how', 'message'),
    [
        ('unfinished', r'b_seed0/test has no <time>/<time>.json of tools/test.py: this test has not finished'),
        ('cut', r'b_seed0/test/\S+.json is not valid JSON'),
        ('nan', r'b_seed0/test: mIoU is nan; omit this run'),
        ('metric', r"b_seed0/test has no metric 'mF'; it has mIoU; choose with --metrics"),
        ('few', r'--b matches 1 run; a t-test needs at least two'),
        ('none', r'no work dir matches '),
    ],
)
def test_bad_runs(tool, runs, monkeypatch, how, message):
    damage(runs, how)
    with pytest.raises(SystemExit) as error:
        call(monkeypatch, tool, runs)
    assert re.match('error: .*' + message, error.value.code)


def test_run_of_both_set_ups(tool):
    runs = {'x': dict(mIoU=1.0), 'y': dict(mIoU=2.0)}
    with pytest.raises(ValueError, match='x belongs to both set-ups'):
        tool.check_runs(runs, runs, None)


def test_missing_validation(tmp_path):
    with pytest.raises(ValueError, match='no validation in .*this training has not finished'):
        read_metrics(tmp_path, 'val')
    with pytest.raises(ValueError, match='is not a folder'):
        read_metrics(tmp_path / 'nowhere')


def test_as_a_command(runs):
    command = [sys.executable, TOOL, '--a', runs / 'a_seed0' / 'test', '--b', runs / 'b_seed0' / 'test']
    result = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert result.returncode == 1 and 'error: --a matches 1 run' in result.stderr

"""Paired comparison of runs, against cases worked by hand."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools' / 'analysis_tools'))

import compare_runs  # noqa: E402
from paired_tests import holm, match_pairs, paired_difference  # noqa: E402


def test_difference_interval_and_t_by_hand():
    """Differences 1, 2, 3, 2: mean 2, variance 2/3, standard error sqrt(1/6); t has 3 degrees of freedom."""
    found = paired_difference([50, 60, 40, 55], [51, 62, 43, 57])
    error = math.sqrt(1 / 6)
    quantile = 3.182446  # of the t distribution, 0.975, 3 degrees of freedom (any table)
    assert (found['pairs'], found['difference']) == (4, 2) and found['std'] == pytest.approx(math.sqrt(2 / 3))
    assert (found['low'], found['high']) == pytest.approx((2 - quantile * error, 2 + quantile * error), abs=1e-5)
    assert found['t'] == pytest.approx(2 / error) and found['differences'] == [1, 2, 3, 2]
    t = 2 / error  # the distribution function with 3 degrees of freedom in closed form
    tail = 0.5 - (math.atan(t / math.sqrt(3)) + t * math.sqrt(3) / (3 + t * t)) / math.pi
    assert found['p'] == pytest.approx(2 * tail)


def test_equal_differences_have_no_t():
    found = paired_difference([1.0, 2.0, 3.3], [1.5, 2.5, 3.8])
    assert found['t'] is found['p'] is None and found['low'] == pytest.approx(0.5) == found['high']


@pytest.mark.parametrize('a, b', [([1], [2]), ([1, 2], [1, 2, 3])])
def test_values_without_a_partner_are_refused(a, b):
    with pytest.raises(ValueError, match=f'got {len(a)} and {len(b)}'):
        paired_difference(a, b)


def test_holm_by_hand():
    """Sorted 0.01, 0.03, 0.04 of m = 3: 3 * 0.01, 2 * 0.03, and 0.04, which is at least the one before."""
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.7, 0.6]) == pytest.approx([1, 1])
    assert holm([0.01, None, 0.5]) == [pytest.approx(0.02), None, 0.5]
    assert holm([]) == []


def test_holm_keeps_the_error_rate_of_the_family():
    """Without any true difference at least one of five corrected p-values is below 0.05 in about 5 % of experiments."""
    p = np.random.default_rng(0).random((4000, 5))
    rate = np.mean([min(holm(row)) < 0.05 for row in p])
    assert 0.04 < rate < 0.06
    assert np.mean(p.min(axis=1) < 0.05) > 0.2  # without correction


def test_power_that_the_page_states():
    """Eight pairs, standard deviation of the differences 1.5, difference 2; three unpaired seeds, spread 4."""
    paired, unpaired = (2 / (1.5 / math.sqrt(8)), 7), (2 / (4 * math.sqrt(2 / 3)), 4)
    for (shift, freedom), low, high in ((paired, 0.88, 0.92), (unpaired, 0.05, 0.2)):
        limit = stats.t.ppf(0.975, freedom)
        power = stats.nct.sf(limit, freedom, shift) + stats.nct.cdf(-limit, freedom, shift)
        assert low < power < high


@pytest.mark.parametrize(
    'a, b, message',
    [
        (dict(x=0, y=1), dict(u=0, v=2), r'y has seed 1, but no run of the second set-up'),
        (dict(x=0), dict(u=0, v=2), r'v has seed 2, but no run of the first set-up'),
        (dict(x=0, y=0), dict(u=0), r'x and y both have seed 0'),
        (dict(x=0, y=None), dict(u=0), r'y has no config with a seed .*--pair-by name'),
    ],
)
def test_runs_that_cannot_be_paired(a, b, message):
    with pytest.raises(ValueError, match=message):
        match_pairs(a, b)


def write_run(folder, seed, **metrics):
    """A test whose seed is that of the training with its checkpoint."""
    time = '20260101_000000'
    for part, text in (('', f"train_dataloader = {{'x': 1}}\nrandomness = dict(seed={seed})\n"), ('test', '')):
        path = folder / part / time / 'vis_data' / 'config.py'
        path.parent.mkdir(parents=True)
        path.write_text(text + f'load_from = {str(folder / "epoch_1.pth")!r}\n' if part else text)
    (folder / 'test' / time / f'{time}.json').write_text(json.dumps(metrics))


@pytest.fixture
def runs(tmp_path):
    """Seeds in another order than the names, so that only the configs give the right pairs."""
    values = dict(a={3: 50, 1: 60, 2: 40}, b={1: 61, 2: 42, 3: 53}, c={2: 40, 3: 50.5, 1: 60.1})
    for side, by_seed in values.items():
        for number, (seed, value) in enumerate(by_seed.items()):
            write_run(tmp_path / f'{side}_run{number}', seed, mIoU=float(value), mF=value + 10 * (number == 0))
    return tmp_path


def call(monkeypatch, root, *words, sides='abc'):
    patterns = [
        word for side in sides for word in (f'--{"a" if side == "a" else "b"}', str(root / f'{side}_run*' / 'test'))
    ]
    monkeypatch.setattr(sys, 'argv', ['compare_runs.py', *patterns, *map(str, words)])
    compare_runs.main()


def test_paired_table_and_json(runs, monkeypatch, capsys):
    out = runs / 'figures.json'
    call(monkeypatch, runs, '--paired', '--metrics', 'mIoU', '--names', 'base', 'loss', 'fusion', '--out', out)
    printed = capsys.readouterr().out.splitlines()
    content = json.loads(out.read_text())['comparisons']
    loss, fusion = (content[f'{name} - base']['mIoU'] for name in ('loss', 'fusion'))
    assert loss['differences'] == [1, 2, 3] and fusion['differences'] == pytest.approx([0.1, 0, 0.5])
    assert [loss['p_holm'], fusion['p_holm']] == pytest.approx(holm([loss['p'], fusion['p']]))
    t = 2 / math.sqrt(1 / 3)
    assert printed[2].startswith(f'| loss - base | mIoU | 3 | +2.00 | -0.48 to +4.48 | {t:.3f} | {loss["p"]:.3f} |')
    assert printed[-1] == 'two-sided paired t-test; p (Holm) is corrected for 2 comparisons'


def test_pairs_by_name(runs, monkeypatch, capsys):
    out = runs / 'figures.json'
    call(monkeypatch, runs, '--paired', '--pair-by', 'name', '--metrics', 'mIoU', '--out', out, sides='ab')
    assert json.loads(out.read_text())['comparisons']['b - a']['mIoU']['differences'] == [11, -18, 13]


@pytest.mark.parametrize(
    'words, message',
    [
        ((), 'several --b need --paired'),
        (('--paired', '--names', 'x'), 'needs 3 names'),
        (('--paired', '--welch'), 'unpaired'),
    ],
)
def test_options_that_do_not_fit(runs, monkeypatch, capsys, words, message):
    with pytest.raises(SystemExit):
        call(monkeypatch, runs, *words)
    assert message in capsys.readouterr().err

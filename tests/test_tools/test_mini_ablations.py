"""The ablations on the mini set: what is trained, kept and compared."""

import json
import math
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools' / 'analysis_tools'))

import mini_ablations  # noqa: E402
from mini_ablations_rows import COMPARISONS, ROWS, WEIGHT_SEEDS, compare, make_report  # noqa: E402


def test_every_row_has_a_config_and_every_comparison_its_rows():
    configs = {path.name for path in (ROOT / 'configs' / 'ablations').glob('*_r18_mini.py')}
    used = {f'{row.config}_r18_mini.py' for row in ROWS.values()}
    assert used <= configs and configs - used == {'objects_r18_mini.py', 'image-only_r18_mini.py'}
    assert {name for pair in COMPARISONS for name in pair} == set(ROWS)
    assert [name for name, row in ROWS.items() if row.seeds == 8] == [
        *('image only', 'TPAVI fusion', 'f_CA', 'SupCon', 'CAVP', 'mono')
    ]


RESULTS = {
    'f_CA': {0: dict(mIoU=50.0, mF=60.0), 1: dict(mIoU=52.0, mF=62.0), 2: dict(mIoU=54.0, mF=64.0)},
    'SupCon': {0: dict(mIoU=51.0, mF=60.0), 1: dict(mIoU=54.0, mF=60.0), 2: dict(mIoU=57.0, mF=60.0)},
    'CAVP': {0: dict(mIoU=53.0, mF=60.0, wrong_audio=2.0)},
}


def test_rows_are_compared_over_their_common_seeds():
    """Differences 1, 2, 3: mean 2, standard error 1 / sqrt(3), t of two degrees of freedom 4.303."""
    found = compare(RESULTS, [('f_CA', 'SupCon'), ('SupCon', 'CAVP'), ('mono', 'CAVP')])
    assert set(found) == {('f_CA', 'SupCon')}
    comparison = found['f_CA', 'SupCon']
    assert (comparison['difference'], comparison['pairs']) == (2, 3)
    assert comparison['high'] - 2 == pytest.approx(4.303 / math.sqrt(3), abs=1e-3)
    assert comparison['p_holm'] == comparison['p']


def test_report_has_both_tables():
    lines = make_report(RESULTS, COMPARISONS, 0.3).splitlines()
    assert lines[0].endswith('0.3.')
    assert '| f_CA | Table 4 | 3 | 52.0 ± 2.0 | 62.0 ± 2.0 | - |' in lines
    assert '| CAVP | Table 4, Figures 6 and 7 | 1 | 53.0 | 60.0 | 2.0 |' in lines
    assert '| SupCon - f_CA | 3 | +2.00 | -0.48 to +4.48 | 0.074 | 0.074 |' in lines
    assert 'none are compared' in make_report({'CAVP': RESULTS['CAVP']}, COMPARISONS, 1)


@pytest.fixture
def commands(monkeypatch):
    """Replaces the tools: a training writes its checkpoint and validation, a test its metrics; records the calls."""
    calls = []

    def run_tool(log, tool, *words):
        calls.append((tool, words))
        options = dict(word.split('=', 1) for word in words if '=' in word)
        if tool == 'train.py':
            folder = Path(words[words.index('--work-dir') + 1])
            (folder / 'epoch_1.pth').touch()
            weight = float(options.get('model.contrast_loss.loss_weight', 0))
            lines = json.dumps(dict(mIoU=60 - abs(weight - 0.3), step=1)) + '\n'
            (folder / 't' / 'vis_data').mkdir(parents=True, exist_ok=True)
            (folder / 't' / 'vis_data' / 'scalars.json').write_text(lines)
        elif tool == 'test.py':
            folder = Path(words[words.index('--work-dir') + 1]) / 't'
            folder.mkdir(parents=True)
            (folder / 't.json').write_text(json.dumps(dict(mIoU=50.0, mF=60.0)))
        else:
            folder = Path(words[words.index('--out') + 1])
            folder.mkdir(parents=True)
            (folder / 'scores.json').write_text(json.dumps({'off-screen sound': dict(predicted=0.02)}))

    monkeypatch.setattr(mini_ablations, 'run_tool', run_tool)
    return calls


def test_all_steps_run_once(commands, tmp_path):
    argv = ['--work-dir', str(tmp_path), '--data', 'set', '--seeds', '0', '1', '--rows', 'image only', 'CAVP']
    mini_ablations.main(argv)
    trained = [dict(w.split('=', 1) for w in words if '=' in w) for tool, words in commands if tool == 'train.py']
    assert len(trained) == 1 + 12 + 4
    assert trained[0]['data_root'] == 'set/objects'
    start = str(tmp_path / 'start' / 'epoch_1.pth')
    assert all(options['model.backbone.init_cfg.checkpoint'] == start for options in trained[1:])
    seeds = [int(options['randomness.seed']) for options in trained[1:]]
    assert set(seeds[:12]) == set(WEIGHT_SEEDS) and seeds[12:] == [0, 0, 1, 1]
    assert [o.get('model.contrast_loss.loss_weight') for o in trained[13:]] == [None, '0.3', None, '0.3']
    results = json.loads((tmp_path / 'results.json').read_text())
    assert results['weight'] == 0.3
    assert results['results']['CAVP']['0'] == dict(weight=0.3, mIoU=50.0, mF=60.0, wrong_audio=2.0)
    assert 'wrong_audio' not in results['results']['image only']['1']
    count = len(commands)
    mini_ablations.main(argv)
    assert len(commands) == count


def test_an_interrupted_run_continues(commands, tmp_path):
    argv = ['--work-dir', str(tmp_path), '--seeds', '0', '--rows', 'f_CA', '--weight', '1']
    mini_ablations.main(argv)
    (tmp_path / 'fca_seed0' / 'trained.json').unlink()
    (tmp_path / 'fca_seed0' / 'result.json').unlink()
    (tmp_path / 'fca_seed0' / 'test' / 't' / 't.json').unlink()
    (tmp_path / 'fca_seed0' / 'test' / 't').rmdir()
    for folder in (tmp_path / 'fca_seed0').glob('audio_swap*'):
        (folder / 'scores.json').unlink()
        folder.rmdir()
    commands.clear()
    mini_ablations.main(argv)
    assert [tool for tool, _ in commands] == ['train.py', 'test.py', 'analysis_tools/audio_swap.py']
    assert '--resume' in commands[0][1]


def test_seeds_that_choose_the_weight_are_refused(capsys):
    with pytest.raises(SystemExit):
        mini_ablations.parse_args(['--seeds', '0', '100'])
    assert 'choose the weight' in capsys.readouterr().err

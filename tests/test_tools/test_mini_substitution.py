import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools' / 'analysis_tools'))

import mini_ablation  # noqa: E402
import mini_substitution  # noqa: E402


@pytest.fixture
def tools(monkeypatch):
    """Records the tools that are called; training and testing are over at once, the comparison is real."""
    calls = []

    def run(log, name, *words):
        calls.append((name, *words))
        if name == 'train.py':
            (Path(words[words.index('--work-dir') + 1]) / 'best_mIoU_epoch_3.pth').touch()
        elif name == 'test.py':
            folder = Path(words[words.index('--work-dir') + 1]) / '20260101_000000'
            folder.mkdir(parents=True)
            seed = next(int(word[-1]) for word in words if word.startswith('randomness.seed='))
            substituted = any('AVS-M-SS' in word for word in words)
            (folder / f'{folder.name}.json').write_text(json.dumps(dict(mIoU=60 + seed + 2 * substituted)))
        elif name.startswith('analysis_tools/'):
            run_tool(log, name, *words)

    run_tool = mini_ablation.run_tool
    for module in (mini_ablation, mini_substitution):
        monkeypatch.setattr(module, 'run_tool', run)
    return calls


def run_main(monkeypatch, *words):
    monkeypatch.setattr(sys, 'argv', ['mini_substitution.py', *map(str, words)])
    mini_substitution.main()


@pytest.mark.parametrize('models', [['cavp'], ['cavp', 'tpavi']], ids='-'.join)
def test_compares_both_trees_over_the_seeds(models, tools, tmp_path, monkeypatch, capsys):
    options = ('--models', *models, '--seeds', 0, 1, 2, '--data', tmp_path / 'data', '--work-dir', tmp_path / 'work')
    run_main(monkeypatch, *options)
    printed = capsys.readouterr().out
    for model in models:
        figure = json.loads((tmp_path / 'work' / f'comparison_{model}.json').read_text())['metrics']['mIoU']
        assert figure['a']['values'] == [60, 61, 62] and figure['b']['values'] == [62, 63, 64]
        assert '| mIoU | 61.00 ± 1.00 (3) | 63.00 ± 1.00 (3) | +2.00 |' in printed.split(f'{model}\n\n')[1]
    trainings = [words for name, *words in tools if name == 'train.py']
    data = tmp_path / 'data'
    roots = {str(data / 'generated' / 'AVSBench-object'), str(data / 'AVS-M-SS')}
    for model in models:
        of_model = [words for words in trainings if f'{model}_r18_mini-s4.py' in words[0]]
        found = [word.split('=')[1] for words in of_model for word in words if word.startswith('train_dataloader')]
        assert len(found) == 6 and set(found) == roots and Path(of_model[0][0]).is_file()
    assert len(trainings) == 6 * len(models)

    tools.clear()
    run_main(monkeypatch, *options)
    assert not any(name in ('train.py', 'test.py') for name, *_ in tools), 'finished runs are kept'


def test_one_seed_is_no_comparison(tools, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run_main(monkeypatch, '--seeds', 0)
    assert 'at least two --seeds' in capsys.readouterr().err and not tools

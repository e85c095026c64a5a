import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools' / 'analysis_tools'))

import mini_ablation  # noqa: E402

TOOL = Path(mini_ablation.__file__)


@pytest.fixture(scope='module')
def tool():
    return mini_ablation


def _result(whole, multi):
    return {
        'all test images': dict(mIoU=whole, mF=whole + 10),
        'several instances of one class': dict(mIoU=multi, mF=multi + 10),
    }


def test_table_has_mean_and_standard_deviation(tool):
    table = tool.make_table(dict(stereo=[_result(50, 40), _result(60, 44)], silent=[_result(30, 20)]))
    lines = table.splitlines()
    assert lines[0].startswith('| audio | mIoU, all test images | F, all test images |')
    assert lines[2] == '| stereo | 55.0 ± 7.1 | 65.0 ± 7.1 | 42.0 ± 2.8 | 52.0 ± 2.8 |'
    assert lines[3] == '| silent | 30.0 | 40.0 | 20.0 | 30.0 |'


def test_a_finished_run_is_not_repeated(tool, tmp_path, monkeypatch):
    (tmp_path / 'result.json').write_text(json.dumps(_result(1, 2)))
    monkeypatch.setattr(tool, 'run_tool', lambda *args: pytest.fail('nothing must run'))
    assert tool.train_and_test(tmp_path, Path('config.py'), []) == _result(1, 2)


@pytest.mark.slow
def test_a_failing_run_ends_the_tool(tmp_path):
    command = [sys.executable, TOOL, '--seeds', '3', '--audio', 'mono', '--work-dir', tmp_path]
    options = ['--cfg-options', 'model.type=NoSuchModel']
    result = subprocess.run([*command, *options], capture_output=True, text=True, timeout=280)
    assert result.returncode == 1
    assert 'error: train.py' in result.stderr and 'output.log' in result.stderr
    assert 'NoSuchModel' in (tmp_path / 'mono_seed3' / 'output.log').read_text()


@pytest.mark.slow
def test_trains_and_tests_a_run(vpo_root, tmp_path):
    options = ['train_cfg.max_epochs=1', 'param_scheduler.0.end=1', 'train_cfg.val_interval=1']
    for dataset in (
        'train_dataloader.dataset.datasets.0',
        'train_dataloader.dataset.datasets.1',
        'val_dataloader.dataset',
        'test_dataloader.dataset',
    ):
        options += [f'{dataset}.data_root={vpo_root}', f'{dataset}.metainfo=None']
    for loader in ('train', 'val', 'test'):
        options += [
            f'{loader}_dataloader.batch_size=2',
            f'{loader}_dataloader.num_workers=0',
            f'{loader}_dataloader.persistent_workers=False',
        ]
    options += ['model.decode_head.num_classes=22', 'model.decode_head.loss_decode.class_weight=None']
    command = [sys.executable, TOOL, '--seeds', '3', '--audio', 'mono', '--work-dir', tmp_path, '--cfg-options']
    result = subprocess.run([*command, *options], capture_output=True, text=True)
    assert result.returncode == 0, (tmp_path / 'mono_seed3' / 'output.log').read_text()[-3000:]
    assert '| mono |' in result.stdout
    figures = json.loads((tmp_path / 'figures.json').read_text())
    assert figures['seeds'] == [3]
    assert 0 <= figures['results']['mono'][0]['all test images']['mIoU'] <= 100


def test_former_name_of_the_option_is_accepted_and_not_shown(tool, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['mini_ablation.py', '--sounds', 'mono'])
    assert tool.parse_args().audio == ['mono']
    monkeypatch.setattr(sys, 'argv', ['mini_ablation.py'])
    assert tool.parse_args().audio == ['stereo', 'mono', 'silent']
    monkeypatch.setattr(sys, 'argv', ['mini_ablation.py', '--help'])
    with pytest.raises(SystemExit):
        tool.parse_args()
    assert '--audio' in (shown := capsys.readouterr().out) and '--sounds' not in shown

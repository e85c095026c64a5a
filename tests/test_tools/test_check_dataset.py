"""tools/dataset_converters/check_dataset.py, as a user calls it."""

import importlib.util
import json
from pathlib import Path

import pytest
from av_tree import av_config, image_path, write_clean_tree

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'dataset_converters' / 'check_dataset.py'


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location('check_dataset_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tool_reports_and_ends_with_a_status(tool, tmp_path, capsys):
    root = write_clean_tree(tmp_path / 'data')
    config = tmp_path / 'config.py'
    av_config(root).dump(config)
    with pytest.raises(SystemExit) as ended:
        tool.main([str(config), '--workers', '1'])
    assert not ended.value.code and 'No problems' in capsys.readouterr().out
    image_path(root, 0).unlink()
    for suffix in ('csv', 'json'):
        with pytest.raises(SystemExit) as ended:
            tool.main([str(config), '--workers', '1', '--report', str(tmp_path / f'problems.{suffix}')])
        assert ended.value.code == 1
    out = capsys.readouterr().out
    assert f'error: missing image (train): {image_path(root, 0)}' in out and '| missing image' in out
    assert [p['kind'] for p in json.loads((tmp_path / 'problems.json').read_text())] == ['missing image']
    assert (tmp_path / 'problems.csv').read_text().startswith('level,kind,path,loaders,detail\nerror,missing image,')
    with pytest.raises(SystemExit, match=r'--report must end in \.csv or \.json'):
        tool.main([str(config), '--report', 'problems.txt'])
    changed = ['--cfg-options', f'train_dataloader.dataset.data_root={tmp_path / "gone"}', '--loaders', 'train']
    with pytest.raises(SystemExit):
        tool.main([str(config), '--workers', '1', *changed])
    assert 'annotation not found' in capsys.readouterr().out


def test_dataset_that_cannot_be_built(tool, tmp_path):
    config = tmp_path / 'config.py'
    av_config(tmp_path).dump(config)
    options = ['--cfg-options', 'test_dataloader.dataset.type=Unicorn']
    with pytest.raises(
        SystemExit, match=rf'error: test_dataloader.dataset of {config} cannot be built: .*Unicorn is not'
    ):
        tool.main([str(config), *options])

import csv
import importlib.util
from pathlib import Path

import pytest
from vpo_sources import SourceSet

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'dataset_converters' / 'build_vpo.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('build_vpo_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def arguments(tmp_path):
    source = SourceSet(tmp_path / 'source').recordings(['cat', 'dog', 'female'])
    for i in range(1, 9):
        source.image(i, ('cat', 4, 4, 20, 20), ('dog', 30, 4, 50, 20), ('person', 4, 30, 20, 44), captions=['a woman'])
    paths = source.write()
    return [
        '--instances',
        *paths['instances'],
        '--images',
        *paths['images'],
        '--captions',
        *paths['captions'],
        '--sounds-csv',
        paths['sounds_csv'],
        '--sounds',
        paths['sounds'],
        '--out',
        str(tmp_path / 'out'),
    ]


def test_all_subsets_from_the_command_line(tool, arguments, tmp_path, capsys):
    tool.main(['all', *arguments, '--seed', '3', '--test-fraction', '0', '--workers', '1', '--max-sources', '1'])
    for subset in ('ss', 'ms', 'msmi'):
        path = tmp_path / 'out' / f'VPO-{subset.upper()}' / f'vpo_{subset}_data_stereo.csv'
        with open(path, newline='') as f:
            rows = list(csv.DictReader(f))
        assert list(rows[0]) == [
            'img_Id',
            'ann_Ids',
            'cateId',
            'cateName',
            'vgg_file',
            'audio_pos',
            'multi_instance',
            'split',
        ]
        assert len(rows) == 8
    assert '| female' in (tmp_path / 'out' / 'VPO-SS' / 'statistics.md').read_text()


def test_every_option_reaches_the_builder(tool, arguments, monkeypatch):
    given = {}
    monkeypatch.setattr(tool, 'build_vpo', lambda **kwargs: given.update(kwargs))
    tool.main(
        [
            'ms',
            *arguments,
            '--splits',
            'auto',
            '--classes',
            'c.yaml',
            '--seed',
            '5',
            '--test-fraction',
            '0.3',
            '--val-fraction',
            '0.2',
            '--max-sources',
            '4',
            '--min-area',
            '0.01',
            '--min-candidates',
            '3',
            '--max-per-class',
            '9',
            '--workers',
            '7',
            '--copy-mode',
            'symlink',
            '--overwrite',
        ]
    )
    wanted = dict(
        subset='ms',
        splits=['auto'],
        classes='c.yaml',
        seed=5,
        test_fraction=0.3,
        val_fraction=0.2,
        max_sources=4,
        min_area=0.01,
        min_candidates=3,
        max_per_class=9,
        workers=7,
        copy_mode='symlink',
        overwrite=True,
    )
    assert wanted.items() <= given.items()


def test_errors_end_the_tool_in_one_line(tool, arguments, tmp_path):
    with pytest.raises(SystemExit, match='error: .*nowhere.csv does not exist'):
        tool.main(['ss', *arguments, '--sounds-csv', str(tmp_path / 'nowhere.csv')])
    with pytest.raises(SystemExit, match='error: .*--max-sources'):
        tool.main(['ss', *arguments, '--max-sources', '0'])
    assert not (tmp_path / 'out').exists()

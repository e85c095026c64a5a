import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
find_violations = runpy.run_path(str(ROOT / '.dev_scripts' / 'check_imports.py'))['find_violations']


def test_the_packages_import_each_other_one_way():
    assert not list(find_violations(ROOT))


@pytest.mark.parametrize(
    'file, line, target',
    [
        ('models/heads/head.py', 'from ...data_tools.parallel import WorkerPool', 'mmavs.data_tools.parallel'),
        ('engine/runner.py', 'from mmavs import data_tools', 'mmavs.data_tools'),
        ('evaluation/metric.py', 'import mmavs.engine.runner', 'mmavs.engine.runner'),
        ('datasets/vpo.py', 'def load():\n    from tests.vpo_tree import write_rows', 'tests.vpo_tree'),
    ],
)
def test_an_import_against_the_direction_is_found(tmp_path, file, line, target):
    path = tmp_path / 'mmavs' / file
    path.parent.mkdir(parents=True)
    path.write_text(line + '\n')
    (message,) = find_violations(tmp_path)
    assert message.startswith(f'mmavs/{file}:') and target in message


def test_imports_in_the_direction_are_allowed(tmp_path):
    path = tmp_path / 'mmavs' / 'data_tools' / 'build.py'
    path.parent.mkdir(parents=True)
    path.write_text('from mmavs.datasets.vpo import VPODataset\nfrom .parallel import WorkerPool\nimport torch\n')
    assert not list(find_violations(tmp_path))

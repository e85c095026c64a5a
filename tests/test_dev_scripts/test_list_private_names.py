import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script():
    return runpy.run_path(str(ROOT / '.dev_scripts' / 'list_private_names.py'))


def test_private_names_of_host_packages_are_explained_and_exist(script):
    assert list(script['find_problems']()) == []


def test_new_uses_and_names_that_are_gone_are_reported(script):
    known = script['find_problems'].__globals__['KNOWN']
    file = 'mmavs/engine/runner/runner.py'
    kind = type(known.pop((file, '_maybe_compile')))
    known['mmavs/engine/__init__.py', '_gone'] = kind('mmengine.runner.Runner', 'a test')
    problems = list(script['find_problems']())
    assert [problem.split(' ')[:2] for problem in problems] == [
        [f'{file}:', '_maybe_compile'],
        ['mmavs/engine/__init__.py:', '_gone'],
        ['mmengine.runner.Runner', 'no'],
    ]


@pytest.mark.parametrize(
    'code, name',
    [
        ('from mmengine.runner.loops import _Iterator', '_Iterator'),
        ('def f(runner):\n    return runner._resume', '_resume'),
        ('import mmcv.ops\nmmcv.ops._load = None', '_load'),
    ],
)
def test_uses_are_found(script, tmp_path, code, name):
    (tmp_path / 'mmavs').mkdir()
    (tmp_path / 'mmavs' / 'new.py').write_text(code)
    assert list(script['find_uses'](tmp_path)) == [('mmavs/new.py', name)]

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / '.dev_scripts' / 'matrix'))
import environment
import run_matrix
from stacks import STACKS, Stack

VERSION = f'{sys.version_info[0]}.{sys.version_info[1]}'
PASSED = dict(outcome='passed', text='12 passed', versions={'torch': '2.11.0', 'onedl-mmcv': '2.3.6'})


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the tool with a substitute for the run of a stack; ``run(option, ...)`` returns the names of the stacks."""

    def run(*words, result=PASSED):
        ran = []

        def run_stack(name, args):
            ran.append(name)
            if isinstance(result, BaseException):
                raise result
            return result

        monkeypatch.setattr(run_matrix, 'run_stack', run_stack)
        monkeypatch.setattr(sys, 'argv', ['run_matrix.py', '--work-dir', str(tmp_path), *words])
        run_matrix.main()
        return ran

    return run


def test_finished_stacks_are_not_repeated(run, monkeypatch):
    assert run('--only', 'tested', 'newest') == ['tested', 'newest']
    assert run() == [name for name in STACKS if name not in ('tested', 'newest')]
    assert run() == [] and run('--table') == []
    monkeypatch.setattr(run_matrix, 'fingerprint', lambda tests: 'another state')
    assert run('--only', 'newest') == ['newest']


def test_interruption_keeps_finished_stacks(run):
    run('--only', 'tested')
    with pytest.raises(KeyboardInterrupt):
        run(result=KeyboardInterrupt())
    assert 'tested' not in run()


def test_exit_status_is_1_for_failures_and_0_for_refusals(run):
    run('--only', 'newest', result=dict(outcome='refused', text='refused: why', versions={}))
    with pytest.raises(SystemExit):
        run('--only', 'tested', result=dict(outcome='failed', text='1 failed', versions={}))


def test_table_is_written_between_the_marks(run, tmp_path, capsys):
    page = tmp_path / 'page.md'
    begin, end = run_matrix.MARKS
    page.write_text(f'before\n{begin}\nan old table\n{end}\nafter\n')
    run('--only', 'onedl', '--update', str(page))
    lines = page.read_text().splitlines()
    assert (lines[0], lines[1], lines[-2], lines[-1]) == ('before', begin, end, 'after')
    assert (
        lines[2] == '| stack | Python | torch | torchaudio | mmcv | mmengine | mmseg | numpy | outcome | date, commit |'
    )
    cells = [cell.strip() for cell in lines[4].strip('|').split('|')]
    assert cells[0].startswith('`onedl`: ') and cells[2:6] == ['2.11.0', '', 'onedl-mmcv 2.3.6', '']
    assert cells[8] == '12 passed' and len(cells) == 10
    assert 'an old table' not in page.read_text() and lines[4] in capsys.readouterr().out

    page.write_text('no marks\n')
    with pytest.raises(SystemExit, match='no marks for the table'):
        run('--update', str(page))
    assert page.read_text() == 'no marks\n'


def test_page_of_versions_has_the_marks():
    page = (environment.ROOT / 'docs' / 'versions.md').read_text()
    assert 'a table' in run_matrix.put_table(page, 'a table')


@pytest.mark.parametrize(
    'output, outcome',
    [
        ('Traceback\nImportError: mmavs needs torch>=2.4.0. Install it with: pip install "mmavs[lite]"\n', 'refused'),
        ('Traceback\nImportError: cannot import name\n', 'failed'),
        ('Traceback\nAttributeError: pip install\n', 'failed'),
    ],
)
def test_import_error_with_a_remedy_is_a_refusal(output, outcome):
    assert run_matrix.read_import(output)['outcome'] == outcome


def test_refusal_has_no_path_of_the_machine():
    text = run_matrix.read_import(f'ImportError: {run_matrix.ROOT}/lib.so fails; pip install x\n')['text']
    assert text == 'refused: lib.so fails; pip install x'


@pytest.mark.parametrize(
    'last, counts',
    [
        ('2 failed, 950 passed, 3 skipped, 7 warnings in 400.10s (0:06:40)', '2 failed, 950 passed, 3 skipped'),
        ('1 passed, 1 error in 0.10s', '1 passed, 1 error'),
        ('ERROR: file or directory not found: nowhere', 'no tests: ERROR: file or directory not found: nowhere'),
    ],
)
def test_summary_of_the_tests(last, counts):
    assert run_matrix.read_summary(f'5 passed\n{last}\n') == counts


def test_fingerprint_depends_on_files_and_tests(tmp_path, monkeypatch):
    monkeypatch.setattr(run_matrix, 'ROOT', tmp_path)
    monkeypatch.setattr(run_matrix, 'SOURCES', ('package', 'setup.py'))
    (tmp_path / 'package').mkdir()
    (tmp_path / 'setup.py').write_text('')
    (tmp_path / 'package' / 'module.py').write_text('a = 1\n')
    before = run_matrix.fingerprint(['tests'])
    (tmp_path / 'README.md').write_text('a new table')
    assert run_matrix.fingerprint(['tests']) == before != run_matrix.fingerprint(['tests/test_compat.py'])
    (tmp_path / 'package' / 'module.py').write_text('a = 2\n')
    assert run_matrix.fingerprint(['tests']) != before


def test_missing_interpreter_is_named(run, monkeypatch, tmp_path):
    assert environment.find_python(VERSION)
    monkeypatch.setitem(STACKS, 'tested', Stack('old', ('mmavs',), python='3.1'))
    args = run_matrix.argparse.Namespace(work_dir=tmp_path, tests=['tests'], keep=False)
    result = run_matrix.run_stack('tested', args)
    assert result == dict(
        outcome='not installed', text='could not be installed: no interpreter of Python 3.1 found', versions={}
    )


@pytest.mark.slow
def test_environment_is_created_once_and_errors_of_pip_are_reported(tmp_path):
    def make(*words):
        stack = Stack('a small one', words, python=VERSION)
        return environment.Environment(stack, tmp_path / 'env', tmp_path / 'wheels', tmp_path / 'logs' / 'log')

    first = make('--no-index', 'pip')
    first.install()
    assert first.versions().keys() >= {'pip'} and 'torch' not in first.versions()
    mark = tmp_path / 'env' / 'mark'
    mark.touch()
    make('--no-index', 'pip').install()
    assert mark.exists(), 'what is installed is kept'

    with pytest.raises(environment.CannotInstallError, match='no_such_package'):
        make('--no-index', '--find-links', str(tmp_path), 'no_such_package').install()
    assert not mark.exists(), 'another stack gets a fresh environment'
    first.remove()
    assert not first.folder.exists() and 'no_such_package' in first.log.read_text()


def test_state_is_written_atomically(tmp_path, monkeypatch):
    path = tmp_path / 'state.json'
    run_matrix.write(path, json.dumps({}))

    def fail(*args):
        raise OSError('disk full')

    monkeypatch.setattr(run_matrix.os, 'replace', fail)
    with pytest.raises(OSError, match='disk full'):
        run_matrix.write(path, '{"half')
    assert json.loads(path.read_text()) == {}

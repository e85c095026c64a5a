"""model-index.yml and what it imports, as mim reads them, and what an installation gets of it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
METAFILES = sorted(ROOT.glob('configs/*/metafile.yaml'))


def read(path):
    return yaml.safe_load(path.read_text(encoding='utf-8'))


def configs_of(folder):
    """Those of a folder, but for files that keep a former name usable."""
    paths = [path for path in folder.glob('*.py') if not path.read_text().startswith('# Former name')]
    return {f'configs/{folder.name}/{path.name}' for path in paths}


def test_index_imports_every_metafile():
    assert [ROOT / name for name in read(ROOT / 'model-index.yml')['Import']] == METAFILES
    folders = {path.parent for path in ROOT.glob('configs/*/*.py')} - {ROOT / 'configs' / '_base_'}
    assert {path.parent for path in METAFILES} == folders


@pytest.mark.parametrize('metafile', METAFILES, ids=lambda path: path.parent.name)
def test_every_config_is_in_the_metafile_of_its_folder(metafile):
    models = read(metafile)['Models']
    listed = [model['Config'] for model in models]
    assert len(listed) == len(set(listed)) and set(listed) == configs_of(metafile.parent)


@pytest.mark.parametrize('metafile', METAFILES, ids=lambda path: path.parent.name)
def test_metafile_has_what_mim_reads(metafile):
    content = read(metafile)
    collections = {collection['Name'] for collection in content['Collections']}
    for collection in content['Collections']:
        assert (ROOT / collection['README']).is_file() and (ROOT / collection['Code']['URL']).is_file()
    for model in content['Models']:
        assert model['In Collection'] in collections and model['Metadata']
        assert model['Name'] == Path(model['Config']).stem, 'mim finds a config by the name of its model'


@pytest.fixture
def checkout(tmp_path):
    """What `pip install` needs of the repository, so that building leaves nothing in it."""
    for name in ('mmavs', 'configs', 'tools'):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns('__pycache__', '.mim'))
    for name in ('setup.py', 'README.md', 'model-index.yml'):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def build(checkout):
    command = [sys.executable, 'setup.py', '-q', 'build_py', '--build-lib', 'lib']
    subprocess.run(command, cwd=checkout, check=True, capture_output=True, timeout=300)


def files_below(folder):
    return {path.relative_to(folder) for path in folder.rglob('*') if path.is_file() and path.suffix != '.pyc'}


def test_an_installation_has_configs_and_tools(checkout):
    for _ in range(2):  # a second build finds the files of the first
        build(checkout)
    mim = checkout / 'lib' / 'mmavs' / '.mim'
    for name in ('configs', 'tools'):
        assert files_below(mim / name) == files_below(checkout / name)
    for metafile in read(mim / 'model-index.yml')['Import']:
        assert all((mim / model['Config']).is_file() for model in read(mim / metafile)['Models'])
    assert (checkout / 'lib' / 'mmavs' / 'datasets' / 'metainfo' / 'vpo_classes.yaml').is_file()


def test_the_repository_links_them():
    mim = ROOT / 'mmavs' / '.mim'
    assert {path.name for path in mim.iterdir()} == {'configs', 'tools', 'model-index.yml'}
    for path in mim.iterdir():
        assert path.is_symlink() and path.resolve() == ROOT / path.name

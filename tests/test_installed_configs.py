"""Configs inherit from those of an installed mmavs with `_base_ = 'mmavs::...'`."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.hub import get_config
from shipped_configs import load
from tiny_config import write_short_run

ROOT = Path(__file__).resolve().parents[1]
BASE = 'mmavs::cavp/cavp_r18_mini.py'
# Ignores every other copy of the package, wherever it is installed.
SCRIPT = """
import os, runpy, site, sys
sys.path = [path for path in sys.path if not os.path.isfile(os.path.join(path, 'mmavs', '__init__.py'))]
sys.meta_path = [finder for finder in sys.meta_path if 'editable' not in repr(finder)]
site.addsitedir({packages!r})
import mmavs
from mmengine.hub import get_config
print('package:', mmavs.__file__)
print('config:', os.path.realpath(get_config('mmavs::cavp/cavp_r50_vpo-msmi.py').filename))
sys.argv = ['train.py', {leaf!r}, '--work-dir', 'work']
runpy.run_path(os.path.join(os.path.dirname(mmavs.__file__), '.mim', 'tools', 'train.py'), run_name='__main__')
"""


@pytest.fixture
def checkout(tmp_path):
    """A copy of what an installation needs, so that building leaves nothing in the repository."""
    copy = tmp_path / 'checkout'
    for name in ('mmavs', 'configs', 'tools'):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('setup.py', 'pyproject.toml', 'README.md', 'model-index.yml'):
        shutil.copyfile(ROOT / name, copy / name)
    return copy


@pytest.mark.slow
@pytest.mark.parametrize('command', ['bdist_wheel', 'editable_wheel'])
def test_leaf_config_elsewhere_trains_with_an_installation(command, checkout, tmp_path, mini_root):
    build = [sys.executable, 'setup.py', '-q', command, '--dist-dir', str(tmp_path / 'dist')]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True, timeout=300)
    (wheel,) = (tmp_path / 'dist').glob('*.whl')
    packages, project = tmp_path / 'site-packages', tmp_path / 'project'
    zipfile.ZipFile(wheel).extractall(packages)
    if command == 'bdist_wheel':
        shutil.rmtree(checkout)
    project.mkdir()
    leaf = write_short_run(project / 'my_config.py', BASE, mini_root)
    (project / 'run.py').write_text(SCRIPT.format(packages=str(packages), leaf=str(leaf)))
    env = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    done = subprocess.run([sys.executable, 'run.py'], cwd=project, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    installed = packages if command == 'bdist_wheel' else checkout
    assert f'package: {installed / "mmavs" / "__init__.py"}\n' in done.stdout
    (config,) = re.findall(r'^config: (.*)$', done.stdout, flags=re.MULTILINE)
    assert Path(config).is_relative_to(installed) and Path(config).name == 'cavp_r50_vpo-msmi.py'
    assert len(re.findall(r'Epoch\(train\).* loss: \d', done.stdout)) == 2


def without_scope(value):
    """Without the scope that mmengine adds to what is inherited from another package."""
    if isinstance(value, dict):
        return {key: without_scope(item) for key, item in value.items() if key != '_scope_'}
    return [without_scope(item) for item in value] if isinstance(value, list) else value


def test_checkout_on_the_path(tmp_path):
    """Without an installation, as in the tests."""
    (tmp_path / 'leaf.py').write_text(f'_base_ = {BASE!r}\nmodel = dict(contrast_loss=None)\n')
    cfg, base = Config.fromfile(tmp_path / 'leaf.py'), load('cavp/cavp_r18_mini.py')
    assert cfg.model.contrast_loss is None and cfg.model.backbone.depth == 18
    assert without_scope(cfg.train_pipeline) == base.to_dict()['train_pipeline']
    assert without_scope(get_config('mmavs::cavp/cavp_r18_mini-mono.py').load_audio)['channels'] == 1
    assert get_config(BASE).to_dict() == base.to_dict()
    assert get_config('mmavs::_base_/datasets/vpo.py').crop_size == (512, 512)


def test_unknown_config_is_named():
    with pytest.raises(FileNotFoundError, match='cavp/no_such_config.py'):
        get_config('mmavs::cavp/no_such_config.py')


def test_other_packages_are_found_as_before():
    assert get_config('mmseg::_base_/default_runtime.py').default_scope == 'mmseg'

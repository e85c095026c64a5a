import os
import pickle
import urllib.error
import warnings
from importlib.util import find_spec

import mmengine.runner.checkpoint as mmengine_checkpoint
import pytest
import torch
from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.utils import package_utils
from mmseg.registry import MODELS

from mmavs.compat import mmengine as compat
from mmavs.engine import checked_local_files


class _RunsCode:
    """Pickles as a call that makes a folder."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.fixture
def malicious(tmp_path):
    torch.save(dict(state_dict=_RunsCode(tmp_path / 'ran')), tmp_path / 'malicious.pth')
    yield tmp_path / 'malicious.pth'
    assert not (tmp_path / 'ran').exists()


def test_code_in_a_local_checkpoint_is_refused(malicious, monkeypatch):
    # torch's switch against the check, and the default of torch < 2.6, must not reach mmengine's loads
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    with checked_local_files(), pytest.raises(pickle.UnpicklingError, match=f'{malicious} was not loaded'):
        mmengine_checkpoint.CheckpointLoader.load_checkpoint(str(malicious))


def test_code_in_a_downloaded_checkpoint_is_refused(malicious):
    # a file already in `model_dir` counts as downloaded
    url = f'https://example.invalid/{malicious.name}'
    with pytest.raises(pickle.UnpicklingError):
        mmengine_checkpoint.load_from_http(url, model_dir=str(malicious.parent))


@pytest.fixture
def backbone():
    return MODELS.build(
        dict(type='ResNetV1c', depth=18, init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c'))
    )


def test_failed_download_names_the_file_the_place_and_the_keys(backbone, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise urllib.error.URLError('Name or service not known')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fail)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(ConnectionError) as error:
        backbone.init_weights()
    url = 'https://download.openmmlab.com/pretrain/third_party/resnet50_v1c-2cccc1ad.pth'
    place = tmp_path / 'hub' / 'checkpoints' / 'resnet50_v1c-2cccc1ad.pth'
    for part in (url, 'Name or service not known', str(place), 'init_cfg.checkpoint=FILE', 'init_cfg=None'):
        assert part in str(error.value)

    torch.save(dict(state_dict={key: value + 1 for key, value in backbone.state_dict().items()}), place)
    before = backbone.stem[0].weight.detach().clone()
    backbone.init_weights()  # finds the file in that place
    assert torch.equal(backbone.stem[0].weight, before + 1)


def _with_pkg_resources(package):
    import pkg_resources

    return pkg_resources.get_distribution(package)


def _without_pkg_resources(package):
    return find_spec(package) is not None


def test_missing_pkg_resources_is_reported_where_mmengine_needs_it(monkeypatch):
    monkeypatch.setattr(compat, 'find_spec', lambda name: None)
    monkeypatch.setattr(package_utils, 'is_installed', _with_pkg_resources)
    with pytest.warns(UserWarning, match='pip install "setuptools<81"'):
        compat.warn_without_pkg_resources()

    monkeypatch.setattr(package_utils, 'is_installed', _without_pkg_resources)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        compat.warn_without_pkg_resources()


def test_mmseg_configs_are_found_under_another_name_of_the_distribution(tmp_path, monkeypatch):
    config = tmp_path / 'config.py'
    config.write_text("_base_ = 'mmseg::_base_/default_runtime.py'")
    monkeypatch.setitem(MODULE2PACKAGE, 'mmseg', 'a-fork-of-mmsegmentation')
    with pytest.raises(ImportError):
        Config.fromfile(config)
    compat.find_mmseg_configs()
    assert Config.fromfile(config).default_scope == 'mmseg'


def test_fork_of_mmengine_cannot_bypass_the_check(malicious, monkeypatch):
    # As in the fork, which loads rejected files again without the check.
    monkeypatch.setattr(
        mmengine_checkpoint,
        '_safe_torch_load',
        lambda path, map_location=None: torch.load(path, map_location, weights_only=False),
        raising=False,
    )
    compat.check_checkpoint_loads()
    with pytest.raises(pickle.UnpicklingError):
        mmengine_checkpoint._safe_torch_load(malicious, map_location='cpu')

import os
import pickle
import sys
import warnings
import zipfile
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

import mmengine.runner.checkpoint as mmengine_checkpoint
import numpy as np
import pytest
import torch
from mmcv.utils import ext_loader
from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from mmengine.runner import Runner
from mmengine.utils import package_utils
from torch.utils.data import DataLoader

from mmavs import compat

ITERS = 4


class _Regression(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 1)

    def forward(self, x, mode='loss'):
        return dict(loss=(self.linear(x) - x.sum(1, keepdim=True)).pow(2).mean())


def _train(work_dir, max_iters, resume_from=None):
    """Train on ITERS fixed batches; the schedule is that of a run of ITERS iterations."""
    torch.manual_seed(0)
    data = [dict(x=row) for row in torch.randn(2 * ITERS, 3)]
    runner = Runner(
        model=_Regression(),
        work_dir=str(work_dir),
        train_dataloader=DataLoader(data, batch_size=2),
        train_cfg=dict(by_epoch=False, max_iters=max_iters),
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.1)),
        param_scheduler=dict(type='PolyLR', power=0.9, by_epoch=False, end=ITERS),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False)),
        custom_hooks=[dict(type='EMAHook')],
        load_from=resume_from and str(resume_from),
        resume=resume_from is not None,
        experiment_name=work_dir.name,
    )
    runner.train()
    return runner


def test_mmengine_checkpoint_resumes_with_the_check_on(tmp_path):
    straight = _train(tmp_path / 'straight', ITERS)
    _train(tmp_path / 'first_half', ITERS // 2)
    resumed = _train(tmp_path / 'resumed', ITERS, resume_from=tmp_path / 'first_half' / f'iter_{ITERS // 2}.pth')

    for name, value in straight.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value), name
    for scalar in ('train/loss', 'train/lr'):
        history = [runner.message_hub.get_scalar(scalar).data[0] for runner in (straight, resumed)]
        assert len(history[0]) == ITERS
        np.testing.assert_array_equal(*history)


@pytest.mark.parametrize('module', ['numpy.core.multiarray', 'numpy._core.multiarray'])
def test_numpy_values_load_whichever_numpy_wrote_them(tmp_path, module):
    values = dict(
        scalar=np.float64(0.5), floats=np.arange(3, dtype=np.float32), ints=np.arange(4), flags=np.array([True, False])
    )
    torch.save(values, tmp_path / 'here.pth')
    with zipfile.ZipFile(tmp_path / 'here.pth') as here, zipfile.ZipFile(tmp_path / 'there.pth', 'w') as there:
        for entry in here.namelist():
            content = here.read(entry)
            for own in (b'numpy._core.multiarray', b'numpy.core.multiarray'):
                content = content.replace(b'c' + own + b'\n', b'c' + module.encode() + b'\n')
            there.writestr(entry, content)

    loaded = compat.load_from_local(tmp_path / 'there.pth')
    assert loaded.keys() == values.keys()
    for key, value in values.items():
        np.testing.assert_array_equal(loaded[key], value)
        assert loaded[key].dtype == value.dtype


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
    with pytest.raises(pickle.UnpicklingError, match=f'{malicious} was not loaded'):
        mmengine_checkpoint.CheckpointLoader.load_checkpoint(str(malicious))


def test_code_in_a_downloaded_checkpoint_is_refused(malicious):
    # a file already in `model_dir` counts as downloaded
    url = f'https://example.invalid/{malicious.name}'
    with pytest.raises(pickle.UnpicklingError):
        mmengine_checkpoint.load_from_http(url, model_dir=str(malicious.parent))


class _PicklesAsAttribute:
    def __init__(self, owner, name):
        self.reference = owner, name

    def __reduce__(self):
        return getattr, self.reference


def test_only_the_methods_that_mmengine_pickles_can_be_referred_to(tmp_path):
    path = tmp_path / 'reference.pth'
    for owner, name in [(HistoryBuffer, 'max'), (OneCycleParamScheduler, '_annealing_cos')]:
        torch.save(_PicklesAsAttribute(owner, name), path)
        assert compat.load_from_local(path) is getattr(owner, name)
    for owner, name in [(HistoryBuffer, '__init__'), (np.ndarray, 'max'), ([], 'append')]:
        torch.save(_PicklesAsAttribute(owner, name), path)
        with pytest.raises(pickle.UnpicklingError):
            compat.load_from_local(path)


def test_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        compat.load_from_local(tmp_path / 'nowhere.pth')


def test_applying_again_changes_nothing():
    before = set(torch.serialization.get_safe_globals()), ext_loader.load_ext, mmengine_checkpoint.load_url
    compat.apply()
    assert before == (
        set(torch.serialization.get_safe_globals()),
        ext_loader.load_ext,
        mmengine_checkpoint.load_url,
    )


@pytest.mark.skipif(find_spec('mmcv._ext') is not None, reason='the full mmcv is installed')
def test_mmseg_imports_with_mmcv_lite_and_a_missing_operator_says_so():
    import_module('mmseg.models')
    import_module('mmseg.apis')
    nms = import_module('mmcv.ops').nms

    assert 'mmcv._ext' not in sys.modules
    with pytest.raises(ImportError, match=r'operator "nms".*mmavs\[mmcv\]'):
        nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([1.0]), 0.5)


def test_compiled_operators_are_left_alone(monkeypatch):
    original = object()
    monkeypatch.setattr(ext_loader, 'load_ext', original)
    monkeypatch.setattr(compat, 'find_spec', lambda name: SimpleNamespace(name=name))
    compat.stub_missing_ops()
    assert ext_loader.load_ext is original


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


def test_the_check_of_the_fork_of_mmengine_has_no_way_round(malicious, monkeypatch):
    # As the fork does it: what the check refuses is read without it.
    monkeypatch.setattr(
        mmengine_checkpoint,
        '_safe_torch_load',
        lambda path, map_location=None: torch.load(path, map_location, weights_only=False),
        raising=False,
    )
    compat.check_checkpoint_loads()
    with pytest.raises(pickle.UnpicklingError):
        mmengine_checkpoint._safe_torch_load(malicious, map_location='cpu')

import pkgutil
from importlib import import_module
from importlib.util import find_spec

import pytest
import torch
from mmengine.model import revert_sync_batchnorm

from mmavs.compat import python as compat


@pytest.fixture
def python_without_find_loader(monkeypatch):
    """Python 3.14 in this respect."""
    monkeypatch.delattr(pkgutil, 'find_loader', raising=False)
    for name in compat.CALLERS:
        monkeypatch.setattr(f'{name}.pkgutil', pkgutil, raising=False)


def test_hosts_work_without_find_loader(python_without_find_loader):
    misc, ext_loader = (import_module(name) for name in ('mmengine.utils.dl_utils.misc', 'mmcv.utils.ext_loader'))
    for function in (misc.mmcv_full_available, ext_loader.check_ops_exist):
        if 'find_loader' in function.__code__.co_names:  # not in the fork
            with pytest.raises(AttributeError, match='find_loader'):
                function()
    compat.restore_find_loader()
    compiled = find_spec('mmcv._ext') is not None
    assert misc.mmcv_full_available() is compiled and ext_loader.check_ops_exist() is compiled
    assert isinstance(revert_sync_batchnorm(torch.nn.SyncBatchNorm(2)), torch.nn.Module)
    assert not hasattr(pkgutil, 'find_loader'), 'other packages must see Python as it is'


def test_loaders_equal_those_of_pkgutil():
    if not hasattr(pkgutil, 'find_loader'):
        pytest.skip('this Python has no find_loader to compare with')
    for name in ('mmcv', 'mmcv.utils.ext_loader', 'mmcv.no_such_module', 'no_such_package'):
        assert type(compat.find_loader(name)) is type(pkgutil.find_loader(name)), name


def test_nothing_changes_if_python_has_find_loader():
    if hasattr(pkgutil, 'find_loader'):
        compat.restore_find_loader()
        for name in compat.CALLERS:
            assert getattr(import_module(name), 'pkgutil', pkgutil) is pkgutil

import sys
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

import mmengine.runner.checkpoint as mmengine_checkpoint
import pytest
import torch
from mmcv.utils import ext_loader

import mmavs
from mmavs.compat import mmcv as compat


@pytest.mark.skipif(find_spec('mmcv._ext') is not None, reason='the full mmcv is installed')
def test_mmseg_imports_with_mmcv_lite_and_missing_operators_are_named():
    import_module('mmseg.models')
    import_module('mmseg.apis')
    nms = import_module('mmcv.ops').nms

    assert 'mmcv._ext' not in sys.modules
    with pytest.raises(ImportError, match=r'operator "nms".*mmavs\[mmcv\]'):
        nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([1.0]), 0.5)


def test_compiled_operators_are_not_replaced(monkeypatch):
    original = object()
    monkeypatch.setattr(ext_loader, 'load_ext', original)
    monkeypatch.setattr(compat, 'find_spec', lambda name: SimpleNamespace(name=name))
    compat.stub_missing_ops()
    assert ext_loader.load_ext is original


def test_applying_again_changes_nothing():
    before = set(torch.serialization.get_safe_globals()), ext_loader.load_ext, mmengine_checkpoint.load_url
    mmavs.compat.apply()
    assert before == (
        set(torch.serialization.get_safe_globals()),
        ext_loader.load_ext,
        mmengine_checkpoint.load_url,
    )

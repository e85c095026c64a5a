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


@pytest.mark.skipif(find_spec('mmcv._ext') is not None, reason='the full mmcv is installed')
def test_deformable_attention_needs_no_compiled_operator():
    """mmcv's function for GPUs equals the one for CPUs, with gradients."""
    module = import_module('mmcv.ops.multi_scale_deform_attn')
    shapes, starts = torch.tensor([[4, 6], [2, 3]]), torch.tensor([0, 24])
    value, locations, weights = torch.randn(2, 30, 2, 4), torch.rand(2, 5, 2, 2, 3, 2), torch.rand(2, 5, 2, 2, 3)
    found, expected = ([x.clone().requires_grad_() for x in (value, locations, weights)] for _ in range(2))
    output = module.MultiScaleDeformableAttnFunction.apply(found[0], shapes, starts, *found[1:], 64)
    reference = module.multi_scale_deformable_attn_pytorch(expected[0], shapes, *expected[1:])
    torch.testing.assert_close(output, reference)
    grad = torch.randn_like(output)
    output.backward(grad)
    reference.backward(grad)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a.grad, b.grad)


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

import sys
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from unittest import mock

import mmengine.runner.checkpoint as mmengine_checkpoint
import pytest
import torch
from mmcv.utils import ext_loader

import mmavs
from mmavs.compat import mmcv as compat
from mmavs.models.fusion.deformable_encoder import DeformableEncoder


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


class OnGPU(torch.Tensor):
    """A tensor that states to be on a GPU, as do those computed from it."""

    is_cuda = True


@pytest.mark.skipif(find_spec('mmcv._ext') is not None, reason='the full mmcv is installed')
def test_deformable_encoder_needs_no_compiled_operator_on_a_gpu(monkeypatch):
    """mmcv's module takes its function for GPUs there, with the same values and gradients as on a CPU."""
    module = import_module('mmcv.ops.multi_scale_deform_attn')
    monkeypatch.setattr(module, 'IS_CUDA_AVAILABLE', True)
    forward = mock.Mock(side_effect=module.ext_module.ms_deform_attn_forward)
    monkeypatch.setattr(module.ext_module, 'ms_deform_attn_forward', forward)
    encoder = DeformableEncoder(8, 2, num_layers=2, num_heads=2, ffn_channels=16).eval()
    levels = torch.randn(1, 8, 4, 6), torch.randn(1, 8, 2, 3)
    results = []
    for kind in (torch.Tensor, OnGPU):
        inputs = [level.clone().as_subclass(kind).requires_grad_() for level in levels]
        encoded = encoder(inputs)
        torch.cat([x.flatten() for x in encoded]).sin().sum().backward()
        results.append([x.as_subclass(torch.Tensor) for x in (*encoded, *(x.grad for x in inputs))])
        assert forward.call_count == (2 if kind is OnGPU else 0), 'once in each layer'
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected)


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

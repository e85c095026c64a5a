"""Repairs of mmcv-lite."""

import functools
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

import torch
from torch import Tensor


def apply() -> None:
    """Applies the repairs that are needed."""
    stub_missing_ops()


def stub_missing_ops() -> None:
    """Makes mmseg importable with mmcv-lite, which has the Python part of ``mmcv.ops`` but not the compiled part.

    ``mmcv.ops`` requests compiled functions from ``load_ext`` at import. Without ``mmcv._ext`` it gets functions that
    raise an ImportError when called. No module is replaced, so mmengine still detects that the operators are missing.
    Multi-scale deformable attention is computed by torch operations on a GPU, too; mmcv does so only on a CPU.
    """
    if find_spec('mmcv._ext') is None:
        import_module('mmcv.utils.ext_loader').load_ext = _load_missing_ext


def _load_missing_ext(name: str, funcs: list[str]) -> SimpleNamespace:
    """Replaces ``mmcv.utils.ext_loader.load_ext(name, funcs)``."""
    ops = {func: functools.partial(_raise_missing_op, func) for func in funcs}
    ops.update((func, op) for func, op in _TORCH_OPS.items() if func in funcs)
    return SimpleNamespace(**ops)


def _attend_deformably(value, shapes, starts, locations, weights, im2col_step=None) -> Tensor:
    """``ms_deform_attn_forward`` in torch operations, by mmcv's function for CPUs."""
    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

    return multi_scale_deformable_attn_pytorch(value, shapes, locations, weights)


def _attend_deformably_backward(
    value, shapes, starts, locations, weights, grad_output, grad_value, grad_locations, grad_weights, im2col_step=None
) -> None:
    """``ms_deform_attn_backward``: repeats the forward pass, and writes the gradients into the given tensors."""
    inputs = [x.detach().requires_grad_() for x in (value, locations, weights)]
    with torch.enable_grad():
        output = _attend_deformably(inputs[0], shapes, starts, *inputs[1:])
    gradients = torch.autograd.grad(output, inputs, grad_output)
    for target, gradient in zip((grad_value, grad_locations, grad_weights), gradients, strict=True):
        target.copy_(gradient)


_TORCH_OPS = dict(ms_deform_attn_forward=_attend_deformably, ms_deform_attn_backward=_attend_deformably_backward)


def _raise_missing_op(op: str, *args, **kwargs) -> None:
    raise ImportError(
        f'The operator "{op}" is part of the full mmcv, and mmcv-lite is installed. Replace it with: '
        'pip uninstall mmcv-lite && pip install "mmavs[mmcv]" (compiles for some minutes where there is no wheel)'
    )

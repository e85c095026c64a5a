"""`torch.compile` for the parts of a model whose tensors have the same shapes in every training step."""

import copy
from typing import Any

import torch
from torch import nn

# Part of a model -> its methods. Losses are left out: the number of pixels that the contrastive loss samples changes
# from step to step, and each number would be compiled again.
PARTS = dict(
    backbone=('forward',),
    neck=('forward',),
    audio_backbone=('forward',),
    fusion=('encode', 'fuse'),
    decode_head=('forward',),
    auxiliary_head=('forward',),
)


def compile_parts(model: nn.Module, **options) -> list[str]:
    """Compiles parts of a segmentor in place. In eval mode they run uncompiled, since image sizes vary there.

    Weights, their names and checkpoints do not change. ``nn.Module.compile`` is not sufficient: mmseg's heads call
    ``self.forward``, and the fusion has two entry points.

    Args:
        model: :class:`AVEncoderDecoder`, or another model with some of these parts.
        options: Options of ``torch.compile``, such as ``mode`` and ``backend``.

    Returns:
        list[str]: What was compiled, such as ``'fusion.encode'``.
    """
    compiled = []
    for part, methods in PARTS.items():
        modules = getattr(model, part, None)
        for module in modules if isinstance(modules, nn.ModuleList) else filter(None, [modules]):
            for method in methods:
                setattr(module, method, _CompiledMethod(module, method, options))
                compiled.append(f'{part}.{method}')
    return compiled


class _CompiledMethod:
    """A method of a module that is compiled for training. The copy of a module gets one that uses its own weights."""

    def __init__(self, module: nn.Module, name: str, options: dict) -> None:
        self.module, self.name, self.options = module, name, options
        self._method = getattr(type(module), name).__get__(module)
        self._compiled = torch.compile(self._method, **options)

    def __call__(self, *args, **kwargs) -> Any:
        return (self._compiled if self.module.training else self._method)(*args, **kwargs)

    def __deepcopy__(self, memo: dict) -> '_CompiledMethod':
        return _CompiledMethod(copy.deepcopy(self.module, memo), self.name, self.options)

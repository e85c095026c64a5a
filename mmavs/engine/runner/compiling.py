"""`torch.compile` for the parts of a model whose tensors have the same shapes at every step of a training."""

from collections.abc import Callable

import torch
from torch import nn

# Part of a model -> its methods. Losses are left out: the contrastive one draws other numbers of pixels at each step,
# which would be compiled anew each time.
PARTS = dict(
    backbone=('forward',),
    neck=('forward',),
    audio_backbone=('forward',),
    fusion=('encode', 'fuse'),
    decode_head=('forward',),
    auxiliary_head=('forward',),
)


def compile_parts(model: nn.Module, **options) -> list[str]:
    """Compiles the parts of a segmentor in place, for training; in eval mode they run as they are.

    Weights, their names and checkpoints stay what they were. Images that are validated or tested have sizes of their
    own, and compiling for each takes longer than it saves.

    Args:
        model: :class:`AVEncoderDecoder`, or another model with some of these parts.
        options: Of ``torch.compile``, such as ``mode`` and ``backend``.

    Returns:
        list[str]: What was compiled, such as ``'fusion.encode'``.
    """
    compiled = []
    for part, methods in PARTS.items():
        modules = getattr(model, part, None)
        for module in modules if isinstance(modules, nn.ModuleList) else filter(None, [modules]):
            for method in methods:
                setattr(module, method, _compile_for_training(module, getattr(module, method), options))
                compiled.append(f'{part}.{method}')
    return compiled


def _compile_for_training(module: nn.Module, method: Callable, options: dict) -> Callable:
    compiled = torch.compile(method, **options)

    def call(*args, **kwargs):
        return (compiled if module.training else method)(*args, **kwargs)

    return call

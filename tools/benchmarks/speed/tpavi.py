"""The audio-visual block of TPAVI on a clip of 5 frames, without and with its (T h w) x (T h w) matrix."""

from pathlib import Path
from unittest import mock

import torch
from torch import Tensor

from mmavs.models.fusion import tpavi

from .compare import close
from .harness import Case, seconds

FRAMES = 5
SIZE = (48, 64)  # the finest stage of an image of 192 x 256; the matrix has 0.94 GB
FULL_SIZE = (120, 160)  # that of 480 x 640


def make_tpavi(tiny: bool, folder: Path) -> Case:
    """Forward and backward of :class:`TPAVIBlock`; the reference computes the matrix.

    Equal: the output and the gradients of both inputs and all weights, to 1e-4 of the largest value. The biases of
    ``theta`` and ``out_conv`` are left out, since the batch norm after them makes their gradients zero.
    """
    run = _make_step((6, 8) if tiny else SIZE, 32 if tiny else 256)

    def run_reference() -> list[Tensor]:
        with mock.patch.object(tpavi, 'interact', tpavi.interact_reference):
            return run()

    settings = dict(frames=FRAMES, size=SIZE, passes='forward and backward', matrix_bytes=matrix_bytes(SIZE))
    return Case(run, run_reference, lambda: close(run(), run_reference(), 1e-4), settings)


def measure_full_size(tiny: bool, folder: Path) -> dict:
    """Our time for a clip of 480 x 640, and the computed size of one matrix there."""
    run = _make_step((12, 16) if tiny else FULL_SIZE, 32 if tiny else 256)
    return dict(full_size_seconds=seconds(run), full_size_matrix_bytes=matrix_bytes(FULL_SIZE))


def matrix_bytes(size: tuple[int, int]) -> int:
    """Bytes of a (T h w) x (T h w) matrix in float32."""
    return 4 * (FRAMES * size[0] * size[1]) ** 2


def _make_step(size: tuple[int, int], channels: int):
    torch.manual_seed(0)
    block = tpavi.TPAVIBlock(channels, 128)
    torch.nn.init.ones_(block.out_norm.weight)  # initialized with 0, which makes the block the identity
    visual = torch.randn(FRAMES, channels, *size).requires_grad_()
    audio = torch.randn(FRAMES, 128).requires_grad_()
    weight = torch.randn(FRAMES, channels, *size)

    def run() -> list[Tensor]:
        fused, _ = block(visual, audio, FRAMES)
        weights = [p for name, p in block.named_parameters() if name not in ('theta.bias', 'out_conv.bias')]
        inputs = [visual, audio, *weights]
        return [fused.detach(), *torch.autograd.grad((fused * weight).sum(), inputs)]

    return run

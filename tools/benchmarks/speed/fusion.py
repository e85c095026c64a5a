"""What a training step asks of the fusion: the visual features with their own and with swapped sound."""

from pathlib import Path

import torch
from torch import Tensor

from mmavs.models.fusion import CrossAttentionFusion

from .compare import close
from .doubles.network import PlainFusion
from .harness import Case

VIEWS = 512


def make_fusion(tiny: bool, folder: Path) -> Case:
    """Forward and backward, with the pixels of swapped sound that the contrastive loss reads: ours fuses only those.

    Equal: the outputs that are read, and the gradients of both inputs and of all weights that have one, to 1e-4 of the
    largest.
    """
    batch, channels, size, views = (2, 32, 8, 16) if tiny else (2, 304, 128, VIEWS)
    torch.manual_seed(0)
    ours = CrossAttentionFusion(channels, audio_channels=channels)
    double = PlainFusion(channels, audio_channels=channels)
    double.load_state_dict(ours.state_dict())
    visual = torch.randn(batch, channels, size, size).requires_grad_()
    audio = torch.randn(batch, channels).requires_grad_()
    swap = torch.arange(batch).flip(0)
    image, pixel = torch.randint(batch, (views,)), torch.randperm(size * size)[:views]
    weight, swapped_weight = torch.randn(batch, channels, size, size), torch.randn(views, channels)

    def backward(module: torch.nn.Module, own: Tensor, swapped: Tensor) -> list[Tensor]:
        inputs = [visual, audio, *module.parameters()]
        loss = (own * weight).sum() + (swapped * swapped_weight).sum()
        return [own.detach(), swapped.detach(), *torch.autograd.grad(loss, inputs)]

    def run_ours() -> list[Tensor]:
        encoded = ours.encode([visual])
        (own,) = ours.fuse(encoded, audio)
        return backward(ours, own, ours.fuse_pixels(encoded, audio[swap], 0, image, pixel))

    def run_double() -> list[Tensor]:
        (fused,) = double([torch.cat([visual, visual])], torch.cat([audio, audio[swap]]))
        own, swapped = fused.chunk(2)
        return backward(double, own, swapped.flatten(2)[image, :, pixel])

    settings = dict(batch=batch, features=[channels, size, size], swapped_pixels=views, passes='forward and backward')
    return Case(run_ours, run_double, lambda: close(run_ours(), run_double(), 1e-4), settings)

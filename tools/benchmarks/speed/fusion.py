"""The fusion in a training step: visual features with original and with shuffled audio."""

from pathlib import Path

import torch
from torch import Tensor

from mmavs.models.fusion import CrossAttentionFusion

from .compare import close
from .harness import Case
from .reference.network import PlainFusion

VIEWS = 512


def make_fusion(tiny: bool, folder: Path) -> Case:
    """Forward and backward. With shuffled audio, ours fuses only the pixels that the contrastive loss reads.

    Equal: the outputs that are used and the gradients of both inputs and all weights, to 1e-4 of the largest value.
    """
    batch, channels, size, views = (2, 32, 8, 16) if tiny else (2, 304, 128, VIEWS)
    torch.manual_seed(0)
    ours = CrossAttentionFusion(channels, audio_channels=channels)
    reference = PlainFusion(channels, audio_channels=channels)
    reference.load_state_dict(ours.state_dict())
    visual = torch.randn(batch, channels, size, size).requires_grad_()
    audio = torch.randn(batch, channels).requires_grad_()
    permutation = torch.arange(batch).flip(0)
    image, pixel = torch.randint(batch, (views,)), torch.randperm(size * size)[:views]
    weight, shuffled_weight = torch.randn(batch, channels, size, size), torch.randn(views, channels)

    def backward(module: torch.nn.Module, original: Tensor, shuffled: Tensor) -> list[Tensor]:
        inputs = [visual, audio, *module.parameters()]
        loss = (original * weight).sum() + (shuffled * shuffled_weight).sum()
        return [original.detach(), shuffled.detach(), *torch.autograd.grad(loss, inputs)]

    def run_ours() -> list[Tensor]:
        encoded = ours.encode([visual])
        (original,) = ours.fuse(encoded, audio)
        return backward(ours, original, ours.fuse_pixels(encoded, audio[permutation], 0, image, pixel))

    def run_reference() -> list[Tensor]:
        (fused,) = reference([torch.cat([visual, visual])], torch.cat([audio, audio[permutation]]))
        original, shuffled = fused.chunk(2)
        return backward(reference, original, shuffled.flatten(2)[image, :, pixel])

    settings = dict(batch=batch, features=[channels, size, size], shuffled_pixels=views, passes='forward and backward')
    return Case(run_ours, run_reference, lambda: close(run_ours(), run_reference(), 1e-4), settings)

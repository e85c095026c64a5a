"""The contrastive loss; both implementations draw the same pixels."""

from pathlib import Path

import torch
from torch import Tensor

from mmavs.models.losses import CAVPLoss
from mmavs.models.losses.pairing import gather_pixels, resize_label

from .compare import close
from .harness import Case
from .network import make_label
from .reference.loss import dense_cavp_loss


def make_loss(tiny: bool, views: int) -> Case:
    """Forward and backward through the loss of a batch of 8, to the features of original and shuffled pairs."""
    size, channels, views = (16, 32, 8) if tiny else (128, 304, views)
    generator = torch.Generator().manual_seed(0)
    original, shuffled = (torch.randn(8, channels, size, size, generator=generator).requires_grad_() for _ in range(2))
    audio_label = [(1 + i % 4, 1 + (i + 1) % 4) for i in range(8)]
    label = torch.stack([make_label((4 * size, 4 * size), classes) for classes in audio_label])
    metas = [dict(audio_label=classes) for classes in audio_label]
    loss = CAVPLoss(max_views=views)

    def ours() -> tuple[Tensor, ...]:
        torch.manual_seed(1)
        draw = loss.draw(resize_label(label, original.shape[2:]), metas)
        features = [gather_pixels(original, draw.original), gather_pixels(shuffled, draw.shuffled)]
        value = loss(torch.cat(features), torch.cat([draw.original.label, draw.shuffled.label]))
        return value.detach(), *torch.autograd.grad(value, (original, shuffled))

    def reference() -> tuple[Tensor, ...]:
        torch.manual_seed(1)
        value = dense_cavp_loss(original, shuffled, label, audio_label, torch.randperm(8), views=views)
        return value.detach(), *torch.autograd.grad(value, (original, shuffled))

    settings = dict(batch=8, features=[channels, size, size], classes=4, views=views, passes='forward and backward')
    return Case(ours, reference, lambda: close(ours(), reference(), 1e-4), settings)


def make_loss_512(tiny: bool, folder: Path) -> Case:
    return make_loss(tiny, 512)


def make_loss_2048(tiny: bool, folder: Path) -> Case:
    return make_loss(tiny, 2048)

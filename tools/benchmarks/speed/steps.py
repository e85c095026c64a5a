"""A training step and the prediction of an image with the complete network."""

import copy
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from .compare import close
from .harness import Case
from .network import build_model, load_config, make_batch


def make_train_step(tiny: bool, folder: Path) -> Case:
    """Preprocessing, forward, backward and optimizer step of a batch of 2.

    Equal, on the batch and the weights of the first timed step:

    - Both losses and the gradients of all weights, to 1e-3 of the largest. Both networks are in channels-first
      format, because the network amplifies the different rounding of two memory formats. The batch norm of the decode
      head is in eval mode, because the batch of the reference also has the shuffled pairs.
    - The losses and the norm of the difference of all gradients, with memory formats as timed and the networks in eval
      mode.
    """
    cfg = load_config(tiny)
    size = (64, 64) if tiny else (512, 512)
    batch = make_batch(size, 2)
    ours, reference = (build_model(cfg, plain=plain).train() for plain in (False, True))

    def equal() -> bool:
        first = [copy.deepcopy(m).to(memory_format=torch.contiguous_format) for m in (ours, reference)]
        for model in first:
            model.decode_head.eval()
        timed = [copy.deepcopy(m).eval() for m in (ours, reference)]
        return close(*(_losses_and_gradients(m, batch) for m in first), 1e-3) and _close_in_total(
            *(_losses_and_gradients(m, batch) for m in timed), 1e-3
        )

    settings = dict(batch=2, size=list(size), backbone=f'ResNet-{cfg.model.backbone.depth}', passes='complete step')
    return Case(_make_step(ours, cfg, batch), _make_step(reference, cfg, batch), equal, settings)


def _make_step(model: nn.Module, cfg: dict, batch: dict) -> Callable[[], dict[str, Tensor]]:
    with DefaultScope.overwrite_default_scope('mmseg'):
        optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)

    def step() -> dict[str, Tensor]:
        torch.manual_seed(1)
        return model.train_step(copy.copy(batch), optim_wrapper)

    return step


def _losses_and_gradients(model: nn.Module, batch: dict) -> list[Tensor]:
    torch.manual_seed(1)
    losses = model(**model.data_preprocessor(copy.copy(batch), True), mode='loss')
    model.parse_losses(losses)[0].backward()
    gradients = [p.grad for p in model.parameters()]
    return [losses['decode.loss_ce'].detach(), losses['loss_contrast'].detach(), *gradients]


def _close_in_total(ours: list[Tensor], reference: list[Tensor], tolerance: float) -> bool:
    """Compares both losses, and the gradients as one vector by the norm of their difference."""
    own, other = (torch.cat([g.flatten() for g in side[2:]]) for side in (ours, reference))
    return close(ours[:2], reference[:2], tolerance) and bool((own - other).norm() <= tolerance * other.norm())


def make_inference(tiny: bool, folder: Path) -> Case:
    """Prediction of one image. Equal: the logits, to 1e-4 of the largest."""
    size = (48, 64) if tiny else (480, 640)
    batch = make_batch(size, 1)
    ours, reference = (build_model(load_config(tiny), plain=plain).eval() for plain in (False, True))

    def predict(model: nn.Module) -> Tensor:
        with torch.no_grad():
            (result,) = model.test_step(copy.deepcopy(batch))
        return result.seg_logits.data

    settings = dict(batch=1, size=list(size), mode='whole')
    return Case(
        lambda: predict(ours),
        lambda: predict(reference),
        lambda: close([predict(ours)], [predict(reference)], 1e-4),
        settings,
    )

"""A training step and the prediction of an image, with the whole network."""

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
    """Preprocessing, forward, backward and optimizer of a batch of 2.

    Equal: both losses and the gradients of all weights, to 1e-3 of the largest, on the batch and the weights that the
    first timed step has. For this the normalisation of the classifier does not look at the batch, since the double's
    batch has the swapped half as well.
    """
    cfg = load_config(tiny)
    size = (64, 64) if tiny else (512, 512)
    batch = make_batch(size, 2)
    ours, double = (build_model(cfg, plain=plain).train() for plain in (False, True))

    def equal() -> bool:
        results = []
        for model in (ours, double):
            model = copy.deepcopy(model)
            model.decode_head.eval()
            results.append(_losses_and_gradients(model, batch))
        return close(*results, 1e-3)

    settings = dict(batch=2, size=list(size), backbone=f'ResNet-{cfg.model.backbone.depth}', passes='whole step')
    return Case(_make_step(ours, cfg, batch), _make_step(double, cfg, batch), equal, settings)


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


def make_inference(tiny: bool, folder: Path) -> Case:
    """Prediction of one image. Equal: the logits, to 1e-4 of the largest."""
    size = (48, 64) if tiny else (480, 640)
    batch = make_batch(size, 1)
    ours, double = (build_model(load_config(tiny), plain=plain).eval() for plain in (False, True))

    def predict(model: nn.Module) -> Tensor:
        with torch.no_grad():
            (result,) = model.test_step(copy.deepcopy(batch))
        return result.seg_logits.data

    settings = dict(batch=1, size=list(size), mode='whole')
    return Case(
        lambda: predict(ours),
        lambda: predict(double),
        lambda: close([predict(ours)], [predict(double)], 1e-4),
        settings,
    )

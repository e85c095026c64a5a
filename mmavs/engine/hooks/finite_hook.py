from collections.abc import Iterable

import torch
from mmengine.hooks import Hook
from mmseg.registry import HOOKS
from torch import nn

from mmavs.utils.unwrapping import unwrap

MAX_SAMPLES = 8  # maximum number of samples in a message
_REMEDY = (
    'Try a lower optim_wrapper.optimizer.lr, optim_wrapper.clip_grad=dict(max_norm=1.0), or leave out --amp, and check '
    'the data with tools/dataset_converters/check_dataset.py. Earlier checkpoints are kept.'
)


@HOOKS.register_module()
class FiniteHook(Hook):
    """Stops a training when a loss or a weight is not finite, before a checkpoint or a validation uses it.

    The losses are checked at each step. The weights are checked every ``interval`` steps, at the end of an epoch,
    before a checkpoint is saved, and before a validation or test. With a gradient scaler (``AmpOptimWrapper``) skipped
    steps are normal: only ``max_skipped`` of them in a row stop the training.

    Args:
        interval: Steps between two checks of the weights.
        max_skipped: Number of consecutive steps with a loss that is not finite, or that the gradient scaler skips.
    """

    def __init__(self, interval: int = 10, max_skipped: int = 25) -> None:
        self.interval = interval
        self.max_skipped = max_skipped
        self._skipped = 0
        self._scale = 0.0

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None) -> None:
        """Checks the losses, and every ``interval`` steps the weights.

        Raises:
            FloatingPointError: A value is not finite; the message names the loss, the iteration and the samples.
        """
        bad = _find_bad_losses(outputs or {})
        scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
        if scaler is not None:
            self._count_skipped(scaler.get_scale(), bool(bad), runner.optim_wrapper.should_update())
            if self._skipped < self.max_skipped:
                bad = []
            elif not bad:
                bad = ['gradient']
        weight = _first_bad(runner.model) if bad or self.every_n_train_iters(runner, self.interval) else None
        if bad or weight:
            raise FloatingPointError(_describe(runner, bad, weight, data_batch))

    def after_train_epoch(self, runner) -> None:
        """Checks the weights before the checkpoint of the epoch replaces an earlier one."""
        _check_weights(runner, 'no checkpoint is saved')

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Checks the weights before they are saved."""
        _check_weights(runner, 'no checkpoint is saved')

    def before_val(self, runner) -> None:
        """Checks the weights before a validation."""
        _check_weights(runner, 'they are not validated')

    def before_test(self, runner) -> None:
        """Checks the weights before a test."""
        _check_weights(runner, 'they are not tested')

    def _count_skipped(self, scale: float, bad: bool, updates: bool) -> None:
        """Counts consecutive skipped steps, at each of which the scaler reduces its scale."""
        if bad or scale < self._scale:
            self._skipped += 1
        elif updates:
            self._skipped = 0
        self._scale = scale


def _find_bad_losses(losses: dict) -> list[str]:
    """Names of the losses that are not finite. If all are finite, the device is synchronized once."""
    values = {k: torch.as_tensor(v).detach() for k, v in losses.items() if isinstance(v, (float, torch.Tensor))}
    finite = [value.isfinite().all() for value in values.values()]
    if not finite or torch.stack([flag.to(finite[0].device) for flag in finite]).all():
        return []
    return [name for name, flag in zip(values, finite, strict=True) if not flag]


def _first_bad(model: nn.Module) -> str | None:
    """Name of the first parameter or buffer that is not finite. If all are finite, the device is synchronized once."""
    state = {k: v for k, v in unwrap(model).state_dict().items() if v.is_floating_point()}
    if not state or torch.stack([v.sum(dtype=torch.float32) for v in state.values()]).isfinite().all():
        return None
    return next((name for name, value in state.items() if not value.isfinite().all()), None)


def _check_weights(runner, consequence: str) -> None:
    if weight := _first_bad(runner.model):
        when = f' after iteration {runner.iter}' if runner.iter else ''
        raise FloatingPointError(f'The weights are not finite{when} (first: {weight}), so {consequence}. {_REMEDY}')


def _describe(runner, losses: Iterable[str], weight: str | None, data_batch) -> str:
    what = [f'{name} is not finite' for name in losses]
    what += [f'the weights are not finite (first: {weight})'] if weight else []
    samples = data_batch.get('data_samples', []) if isinstance(data_batch, dict) else []
    paths = [str(sample.metainfo.get('img_path', 'unnamed')) for sample in samples]
    more = ', ...' if len(paths) > MAX_SAMPLES else ''
    return (
        f'{" and ".join(what)} at epoch {runner.epoch + 1}, iteration {runner.iter + 1}; samples of this batch: '
        f'{", ".join(paths[:MAX_SAMPLES])}{more}. {_REMEDY}'
    )

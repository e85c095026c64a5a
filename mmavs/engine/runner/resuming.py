"""Position at which a resumed training continues."""

from collections.abc import Iterator
from typing import Any

from mmengine.dataset import InfiniteSampler
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop
from torch.utils.data import DataLoader

from .seeding import SeededSampler, sampler_of


def set_position(runner) -> None:
    """Sets the training loop and its data loader to the iteration that :meth:`Runner.resume` has read.

    An epoch-based loop continues at the start of an epoch. An iteration-based loop continues at the next batch; samples
    of earlier batches are not loaded.
    """
    # Runner.resume sets `_epoch` and `_iter` of the loop, too; mmengine has no public way.
    loop, loader = runner.train_loop, runner.train_dataloader
    sampler = sampler_of(loader)
    if not isinstance(sampler, SeededSampler):  # a data loader that was not built from a config
        return
    sampler.set_seed(runner.seed)
    if not isinstance(loop, EpochBasedTrainLoop):
        loop.dataloader_iterator = ResumedBatches(loader, loop.iter)
        return
    if loop.iter == (loop.epoch + 1) * len(loader):  # saved by iterations, after the last one of an epoch
        loop._epoch += 1
    start = loop.epoch * len(loader)
    if loop.iter != start:
        runner.logger.warning(
            f'The checkpoint was saved after iteration {loop.iter}, which is not the end of an epoch of {len(loader)} '
            f'iterations. Training continues with these weights at the start of epoch {loop.epoch + 1} (iteration '
            f'{start + 1}), so the result differs from a training without interruption.'
        )
        loop._iter = start


class ResumedBatches:
    """Endless batches of a data loader, starting with batch number ``done``.

    mmengine's loop first requests the ``done`` batches of the interrupted training and discards them. For these it gets
    None.
    """

    def __init__(self, dataloader: DataLoader, done: int) -> None:
        self._skipped = done
        self._batches = _read_batches(dataloader, done)

    def __iter__(self) -> Iterator[Any]:
        return self

    def skip_iter(self, num_iters: int) -> None:
        """Skips batches; the fork of mmengine calls it instead of requesting them."""
        self._skipped -= num_iters

    def __next__(self) -> Any:
        if self._skipped:
            self._skipped -= 1
            return None
        return next(self._batches)


def _read_batches(dataloader: DataLoader, done: int) -> Iterator[Any]:
    sampler = sampler_of(dataloader)
    epoch, first = (0, done) if isinstance(sampler.sampler, InfiniteSampler) else divmod(done, len(dataloader))
    while True:
        sampler.set_epoch(epoch)
        sampler.first = first * dataloader.batch_sampler.batch_size
        yield from dataloader
        epoch, first = epoch + 1, 0


def check_accumulation(runner) -> None:
    """Checks that checkpoints are saved only after a step of the optimizer, since they do not hold gradients.

    Raises:
        ValueError: An interval of checkpoints is not a multiple of ``optim_wrapper.accumulative_counts``.
    """
    count = (runner.cfg.get('optim_wrapper') or {}).get('accumulative_counts', 1)
    epoch = len(runner.train_dataloader) if isinstance(runner.train_loop, EpochBasedTrainLoop) else None
    for hook in runner.hooks:
        if not isinstance(hook, CheckpointHook):
            continue
        intervals = {'default_hooks.checkpoint.interval': hook.interval * (epoch if epoch and hook.by_epoch else 1)}
        if hook.save_best and runner.val_loop is not None:  # a new best score saves the latest checkpoint again
            intervals['train_cfg.val_interval'] = runner.train_loop.val_interval * (epoch or 1)
        for key, steps in intervals.items():
            if steps > 0 and steps % count:
                shorter = (
                    f', train_dataloader.num_batch_per_epoch={epoch // count * count}'
                    if epoch and epoch >= count
                    else ''
                )
                raise ValueError(
                    f'{key} is {steps} iterations, not a multiple of optim_wrapper.accumulative_counts={count}: a '
                    f'checkpoint would not hold the accumulated gradients. Set {key} to a multiple{shorter}, or '
                    'another accumulative_counts'
                )

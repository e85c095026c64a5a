from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop
from mmseg.registry import HOOKS

from ..runner.resuming import check_accumulation
from ..runner.seeding import SeededSampler, sampler_of, seed_step


@HOOKS.register_module()
class SeedHook(Hook):
    """Makes a training reproducible: each step has a seed computed from (seed, iteration, process).

    :class:`AVRunner` seeds the samples, see :mod:`mmavs.engine.runner.seeding`. The same seed then gives the same
    weights on one machine, with any number of workers and after an interruption.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner) -> None:
        """Checks the interval of checkpoints, see :func:`check_accumulation`."""
        check_accumulation(runner)

    def before_train_epoch(self, runner) -> None:
        """Sets the epoch of the sampler."""
        sampler = sampler_of(runner.train_dataloader)
        if isinstance(runner.train_loop, EpochBasedTrainLoop) and isinstance(sampler, SeededSampler):
            sampler.set_epoch(runner.epoch)

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        """Seeds the step."""
        seed_step(runner.seed, runner.iter)

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop
from mmseg.registry import HOOKS

from ..runner.loops import batches_done


@HOOKS.register_module()
class ResumeValidationHook(Hook):
    """Makes up for a validation that an interruption has cut off.

    Training saves first and validates then. Where it goes on from a checkpoint at which a validation was due, that
    validation runs before the next step, so that the best checkpoint is the one of a training without interruption.
    """

    priority = 'LOWEST'

    def before_train(self, runner) -> None:
        """Validates if the checkpoint that was resumed lies where a validation is due."""
        if runner.iter and runner.val_loop is not None and _is_due(runner):
            runner.val_loop.run()


def _is_due(runner) -> bool:
    loop = runner.train_loop
    loop._decide_current_val_interval()
    if isinstance(loop, EpochBasedTrainLoop):
        now, end = loop.epoch, loop.max_epochs
        if batches_done(runner):
            return False
    else:
        now, end = loop.iter, loop.max_iters
    return now >= loop.val_begin and (now % loop.val_interval == 0 or now == end)

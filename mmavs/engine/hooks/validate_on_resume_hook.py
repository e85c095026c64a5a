from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop
from mmseg.registry import HOOKS


@HOOKS.register_module()
class ValidateOnResumeHook(Hook):
    """Runs a validation that an interruption prevented.

    A training saves a checkpoint and validates afterwards. If it resumes from a checkpoint at which a validation is
    due, the validation runs before the next step. The best checkpoint then equals that of an uninterrupted training.
    """

    priority = 'LOWEST'

    def before_train(self, runner) -> None:
        """Validates if the resumed checkpoint is one at which a validation is due."""
        if runner.iter and runner.val_loop is not None and _is_due(runner.train_loop):
            runner.val_loop.run()


def _is_due(loop) -> bool:
    # The loop calls it before each validation; `dynamic_intervals` has no public form.
    loop._decide_current_val_interval()
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    now, end = (loop.epoch, loop.max_epochs) if by_epoch else (loop.iter, loop.max_iters)
    return now >= loop.val_begin and (now % loop.val_interval == 0 or now == end)

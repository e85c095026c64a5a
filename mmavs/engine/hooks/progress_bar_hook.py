import sys

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmseg.registry import HOOKS
from tqdm import tqdm


@HOOKS.register_module()
class ProgressBarHook(Hook):
    """Shows a progress bar of the training, and of each validation and test, on stderr.

    If stderr is not a terminal, the bar is updated every 15 s.
    """

    priority = 'VERY_LOW'

    def before_train(self, runner) -> None:
        """Opens a bar that starts at the current iteration."""
        self._train_bar = _open('train', runner.max_iters, runner.iter)

    def before_val_epoch(self, runner) -> None:
        """Opens a bar for the validation."""
        self._bar = _open('val', len(runner.val_dataloader))

    def before_test_epoch(self, runner) -> None:
        """Opens a bar for the test."""
        self._bar = _open('test', len(runner.test_dataloader))

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        """Advances the bar of the training."""
        self._train_bar.update()

    def after_val_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        """Advances the bar of the validation or test."""
        self._bar.update()

    def after_train(self, runner) -> None:
        """Closes the bar of the training."""
        self._train_bar.close()

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Closes the bar of the validation or test."""
        self._bar.close()

    after_test_iter, after_test_epoch = after_val_iter, after_val_epoch


def _open(title: str, total: int, initial: int = 0) -> tqdm:
    seconds = 0.2 if sys.stderr.isatty() else 15
    return tqdm(
        desc=title, total=total, initial=initial, unit='batch', mininterval=seconds, maxinterval=seconds,
        dynamic_ncols=True, disable=not is_main_process(),
    )  # fmt: skip

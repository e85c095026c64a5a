import sys

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmseg.registry import HOOKS
from tqdm import tqdm


@HOOKS.register_module()
class ProgressBarHook(Hook):
    """Shows a progress bar over the training, and over each validation and test, on the error stream.

    Where the output is no terminal, the bar is written a few times a minute only.
    """

    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self._train_bar: tqdm | None = None
        self._bar: tqdm | None = None

    def _open(self, title: str, total: int, initial: int = 0) -> tqdm:
        seconds = 0.2 if sys.stderr.isatty() else 15
        return tqdm(
            total=total,
            initial=initial,
            desc=title,
            unit='batch',
            mininterval=seconds,
            maxinterval=seconds,
            dynamic_ncols=True,
            disable=not is_main_process(),
        )

    def before_train(self, runner) -> None:
        """Starts where the training starts, which is not 0 after a resume."""
        self._train_bar = self._open('train', runner.max_iters, runner.iter)

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        """One step on."""
        self._train_bar.update()

    def after_train(self, runner) -> None:
        """Closes the bar."""
        self._train_bar.close()

    def before_val_epoch(self, runner) -> None:
        """A bar of its own for the validation."""
        self._bar = self._open('validate', len(runner.val_dataloader))

    def before_test_epoch(self, runner) -> None:
        """A bar for the test."""
        self._bar = self._open('test', len(runner.test_dataloader))

    def after_val_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        """One step on."""
        self._bar.update()

    def after_test_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        """One step on."""
        self._bar.update()

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Closes the bar."""
        self._bar.close()

    def after_test_epoch(self, runner, metrics=None) -> None:
        """Closes the bar."""
        self._bar.close()

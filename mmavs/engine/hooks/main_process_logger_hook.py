from mmengine.dist import master_only
from mmengine.hooks import LoggerHook
from mmseg.registry import HOOKS


@HOOKS.register_module()
class MainProcessLoggerHook(LoggerHook):
    """mmengine's ``LoggerHook``, except that only the main process writes the results of a test.

    With mmengine's hook, all processes write them to the same file. :class:`AVRunner` uses it in place of
    ``LoggerHook``.
    """

    @master_only
    def after_test_epoch(self, runner, metrics=None) -> None:
        """Logs the metrics and writes them to ``<time>/<time>.json``."""
        super().after_test_epoch(runner, metrics)

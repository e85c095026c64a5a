from mmengine.dist import master_only
from mmengine.hooks import LoggerHook
from mmseg.registry import HOOKS


@HOOKS.register_module()
class MainProcessLoggerHook(LoggerHook):
    """mmengine's ``LoggerHook``, of which the main process alone writes the results of a test.

    mmengine's own writes them in every process, to one file, and now and then two mix. Arguments as in mmengine.
    """

    @master_only
    def after_test_epoch(self, runner, metrics=None) -> None:
        """Logs the metrics and writes them to ``<time>/<time>.json``."""
        super().after_test_epoch(runner, metrics)

from mmengine.dist import broadcast, get_world_size
from mmengine.hooks import Hook
from mmseg.registry import HOOKS


@HOOKS.register_module()
class BroadcastBuffersHook(Hook):
    """Copies the buffers of the main process to all processes before a validation.

    Without SyncBN each process has its own running means and variances, and a checkpoint holds those of the main
    process. With this hook, a validation evaluates the weights and buffers of the checkpoint. Training does not use the
    running statistics.
    """

    def before_val_epoch(self, runner) -> None:
        """Copies the buffers."""
        if get_world_size() > 1:
            for buffer in runner.model.buffers():
                broadcast(buffer)

from mmengine.dist import broadcast, get_world_size
from mmengine.hooks import Hook
from mmseg.registry import HOOKS


@HOOKS.register_module()
class BroadcastBuffersHook(Hook):
    """Has all processes validate the model that is saved.

    Each process normalises over its own images and has running means and variances of its own; checkpoints hold those
    of the main process. Before a validation the others take them over, so that its metrics are those of the checkpoint
    and do not change when the training was resumed. Nothing that is trained depends on them.
    """

    def before_val_epoch(self, runner) -> None:
        """Copies the buffers of the main process to the others."""
        if get_world_size() > 1:
            for buffer in runner.model.buffers():
                broadcast(buffer)

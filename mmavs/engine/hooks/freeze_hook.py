from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from mmavs.utils.unwrapping import unwrap


@HOOKS.register_module()
class FreezeHook(Hook):
    """Freezes a part of the model in the first epochs of a training, such as the backbone of AVSegFormer.

    The weights of the part get no gradient. The statistics of its batch norms are still updated. Training in several
    processes needs ``find_unused_parameters=True`` in the config.

    Args:
        epochs: Number of epochs during which the part is frozen.
        part: Name of the part, an attribute of the model.
    """

    def __init__(self, epochs: int, part: str = 'backbone') -> None:
        self.epochs = epochs
        self.part = part

    def before_train(self, runner) -> None:
        """Records the trainable parameters of the part.

        Raises:
            AttributeError: The model has no such part.
        """
        self._trained = [p for p in getattr(unwrap(runner.model), self.part).parameters() if p.requires_grad]

    def before_train_epoch(self, runner) -> None:
        """Freezes or unfreezes the part."""
        for parameter in self._trained:
            parameter.requires_grad_(runner.epoch >= self.epochs)
        if runner.epoch in (0, self.epochs):
            state = 'trained' if runner.epoch >= self.epochs else f'frozen for {self.epochs} epochs'
            runner.logger.info(f'model.{self.part} is {state}')

    def after_train(self, runner) -> None:
        """Unfreezes the part."""
        for parameter in self._trained:
            parameter.requires_grad_(True)

from collections.abc import Sequence

from mmengine.hooks import Hook
from mmseg.registry import HOOKS


@HOOKS.register_module()
class CheckpointClassesHook(Hook):
    """Compares the classes that a checkpoint was trained with to those of the dataset.

    mmengine loads what fits and leaves the rest at random, and class indices that mean something else go unnoticed.
    Here a validation, a test or a resumed training with other classes is refused. A new training that begins with such
    a checkpoint may be meant so: it is warned of.

    Raises:
        ValueError: The classes or their order differ; the message names the checkpoint and the config keys.
    """

    def __init__(self) -> None:
        self._classes: tuple[str, ...] | None = None

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Notes the classes of the checkpoint; one without them, as of weights alone, is not compared."""
        meta = (checkpoint.get('meta') or {}).get('dataset_meta') or {}
        classes = meta.get('classes')
        self._classes = tuple(classes) if classes else None

    def before_train(self, runner) -> None:
        """Refuses to resume with other classes, warns where a training begins anew."""
        message = self._difference(runner, 'train')
        if message and runner._resume:
            raise ValueError(message)
        if message:
            runner.logger.warning(f'{message} Layers of another shape start at random.')
        self._classes = None  # from here on the model is this training's

    def before_val(self, runner) -> None:
        """Refuses to validate a checkpoint of other classes."""
        self._refuse(runner, 'val')

    def before_test(self, runner) -> None:
        """Refuses to test a checkpoint of other classes."""
        self._refuse(runner, 'test')

    def _refuse(self, runner, loader: str) -> None:
        if message := self._difference(runner, loader):
            raise ValueError(message)

    def _difference(self, runner, loader: str) -> str | None:
        if self._classes is None:
            return None
        classes = tuple(getattr(runner, f'{loader}_dataloader').dataset.metainfo.get('classes') or ())
        if not classes or classes == self._classes:
            return None
        return (
            f'the checkpoint {runner._load_from or "loaded"} was trained with other classes: '
            f'{_compare(self._classes, classes)}. Set `metainfo` or `class_file` of {loader}_dataloader.dataset, and '
            'model.decode_head.num_classes, to those of its training, or choose another checkpoint.'
        )


def _compare(trained: Sequence[str], given: Sequence[str]) -> str:
    lacking, new = [c for c in trained if c not in given], [c for c in given if c not in trained]
    parts = [f'it has {", ".join(lacking)}, the dataset has not'] if lacking else []
    parts += [f'the dataset has {", ".join(new)}, it has not'] if new else []
    return '; '.join(parts) or 'they are the same in another order'

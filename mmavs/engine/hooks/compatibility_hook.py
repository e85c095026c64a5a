from collections.abc import Sequence

from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from mmavs.models.segmentors.checks import list_heads
from mmavs.utils.unwrapping import unwrap

from ..runner.checkpoint_files import missing_to_resume


@HOOKS.register_module()
class CompatibilityHook(Hook):
    """Checks that the classes of checkpoint, model and dataset are the same.

    If the classes differ, a validation, a test or a resumed training raises an error, and a new training logs a
    warning. :meth:`AVRunner.load_checkpoint` compares the weights.
    """

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Compares the checkpoint with the dataset.

        Raises:
            ValueError: The classes differ, or an entry that a resumed training needs is missing.
        """
        resumes = runner.stage == 'train' and runner.resumes
        if resumes and (missing := missing_to_resume(checkpoint)):
            raise ValueError(
                f'{runner.loading} does not contain {", ".join(missing)}, so no training can resume from it. To start '
                'a new training with its weights, set load_from without resume.'
            )
        classes = _classes_of(runner, runner.stage)
        trained = tuple(((checkpoint.get('meta') or {}).get('dataset_meta') or {}).get('classes') or ())
        if not trained or not classes or trained == classes:
            return
        message = (
            f'{runner.loading} was trained with other classes: {_compare(trained, classes)}. Set `metainfo` or '
            f'`class_file` of {runner.stage}_dataloader.dataset, and model.decode_head.num_classes, to those of the '
            'checkpoint, or use another checkpoint.'
        )
        if runner.stage != 'train' or resumes:
            raise ValueError(message)
        runner.logger.warning(f'{message} Layers of another shape keep their initial weights.')

    def before_train(self, runner) -> None:
        """Compares the heads with the training set."""
        _check_heads(runner, 'train')

    def before_val(self, runner) -> None:
        """Compares the heads with the validation set."""
        _check_heads(runner, 'val')

    def before_test(self, runner) -> None:
        """Compares the heads with the test set."""
        _check_heads(runner, 'test')


def _check_heads(runner, stage: str) -> None:
    wanted = len(_classes_of(runner, stage))
    for key, head in list_heads(unwrap(runner.model)):
        if not hasattr(head, 'num_classes'):
            continue
        # Heads with one output channel (binary, sigmoid) may have num_classes 1 or 2 in mmseg.
        number = 2 if getattr(head, 'out_channels', None) == 1 else head.num_classes
        if not wanted or number == wanted:
            continue
        message = (
            f'model.{key} has {number} classes, {stage}_dataloader.dataset has {wanted}. Set model.{key}.num_classes='
            f'{wanted}, or `metainfo` or `class_file` of the datasets to the classes of the model.'
        )
        if number < wanted or key.startswith('decode_head'):
            raise ValueError(message)
        if stage == 'train':
            runner.logger.warning(message)


def _classes_of(runner, stage: str) -> tuple[str, ...]:
    dataset = getattr(runner, f'{stage}_dataloader').dataset
    return tuple(getattr(dataset, 'metainfo', {}).get('classes') or ())


def _compare(trained: Sequence[str], given: Sequence[str]) -> str:
    missing, new = [c for c in trained if c not in given], [c for c in given if c not in trained]
    parts = [f'the dataset does not have {", ".join(missing)}'] if missing else []
    parts += [f'the checkpoint does not have {", ".join(new)}'] if new else []
    return '; '.join(parts) or 'their order differs'

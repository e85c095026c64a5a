from collections.abc import Iterator

from mmengine.hooks import Hook
from mmseg.registry import HOOKS
from torch import nn

from mmavs.utils.unwrapping import unwrap


@HOOKS.register_module()
class NumClassesHook(Hook):
    """Compares the number of classes of the model's heads to that of the dataset.

    A label without an output ends in an error of the loss that names neither, and an output without a class is counted
    wrongly. An auxiliary head, which predicts nothing, may have more outputs.

    Raises:
        ValueError: The numbers differ; the message names the config keys.
    """

    def before_train(self, runner) -> None:
        """Compares before the first step."""
        self._check(runner, 'train')

    def before_val(self, runner) -> None:
        """Compares before a validation."""
        self._check(runner, 'val')

    def before_test(self, runner) -> None:
        """Compares before a test."""
        self._check(runner, 'test')

    def _check(self, runner, loader: str) -> None:
        dataset = getattr(runner, f'{loader}_dataloader').dataset
        wanted = len(getattr(dataset, 'metainfo', {}).get('classes') or ())
        for key, head in _heads(unwrap(runner.model)):
            # A single output tells foreground from background; mmseg takes 1 and 2 as its num_classes.
            number = 2 if getattr(head, 'out_channels', None) == 1 else head.num_classes
            if wanted and (number < wanted or (number > wanted and key == 'decode_head')):
                raise ValueError(
                    f'model.{key} tells {number} classes apart, and {loader}_dataloader.dataset has {wanted}. Set '
                    f'model.{key}.num_classes={wanted}, or `metainfo` or `class_file` of the datasets to the classes '
                    'of the model.'
                )


def _heads(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for key in ('decode_head', 'auxiliary_head'):
        found = getattr(model, key, None)
        for head in found if isinstance(found, nn.ModuleList) else [found]:
            if hasattr(head, 'num_classes'):
                yield key, head

import re

from mmengine.hooks import Hook
from mmengine.runner import get_state_dict
from mmseg.registry import HOOKS
from torch import nn

from mmavs.utils.unwrapping import unwrap

from ..runner.checkpoint_files import lacking_to_resume

_NAMED = 3  # weights that a message names


@HOOKS.register_module()
class CheckpointWeightsHook(Hook):
    """Compares the weights of a checkpoint to those of the model.

    mmengine loads what fits, warns of the rest and leaves it at random. Here a validation, a test or a resumed training
    of such a model is refused. A new training may begin with it.

    Raises:
        ValueError: Weights are missing or have another shape, or a training shall resume from a file with weights
            alone; the message names the checkpoint and the first of them.
    """

    def __init__(self) -> None:
        self._problem: str | None = None

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Compares, and refuses to resume: what mmengine does next stumbles over what is missing."""
        name = runner._load_from or 'loaded'
        if runner._resume and (lacking := lacking_to_resume(checkpoint)):
            raise ValueError(
                f'the checkpoint {name} has no {", ".join(lacking)}, without which no training goes on. Begin a '
                'new one with its weights: load_from without resume.'
            )
        self._problem = _find_problem(name, unwrap(runner.model), checkpoint)
        if runner._resume:
            self._refuse()

    def before_train(self, runner) -> None:
        """From here on the model is this training's."""
        self._problem = None

    def before_val(self, runner) -> None:
        """Refuses to validate a model that is partly at random."""
        self._refuse()

    def before_test(self, runner) -> None:
        """Refuses to test a model that is partly at random."""
        self._refuse()

    def _refuse(self) -> None:
        if self._problem:
            raise ValueError(self._problem)


def _find_problem(name: str, model: nn.Module, checkpoint: dict) -> str | None:
    weights = checkpoint.get('state_dict', checkpoint)
    given = {re.sub(r'^module\.', '', key): getattr(value, 'shape', None) for key, value in weights.items()}
    wanted = {key: value.shape for key, value in get_state_dict(model).items() if 'num_batches_tracked' not in key}
    unfilled = [key for key, shape in wanted.items() if given.get(key) != shape]
    if not unfilled:
        return None
    named = ', '.join(_describe(key, given, wanted[key]) for key in unfilled[:_NAMED])
    return (
        f'the checkpoint {name} does not fit the model: it lacks {len(unfilled)} of {len(wanted)} weights, which would '
        f'stay at random: {named}{", ..." if len(unfilled) > _NAMED else ""}. Take the config that it was trained with '
        '(model.decode_head.num_classes decides on the shapes of conv_seg), or choose another checkpoint.'
    )


def _describe(key: str, given: dict, shape: tuple) -> str:
    if given.get(key) is None:
        return key
    return f'{key} (shape {tuple(given[key])} in place of {tuple(shape)})'

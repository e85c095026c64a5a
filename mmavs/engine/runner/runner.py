from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.optim import OptimWrapper
from mmengine.runner import BaseLoop, Runner
from mmseg.registry import HOOKS, RUNNERS

from mmavs.utils.files import make_output_folder
from mmavs.utils.unwrapping import unwrap

from ..optimizers.paramwise import check_paramwise_cfg
from .checkpoint_files import checked_local_files, find_checkpoint, remove_parts
from .compiling import compile_parts
from .resuming import set_position
from .seeding import check_batches, seed_dataloader

HOOKS_OF_EVERY_RUN = (
    'BroadcastBuffersHook',
    'CompatibilityHook',
    'FiniteHook',
    'MaskContentHook',
    'PipelineHook',
    'ProgressBarHook',
    'SeedHook',
    'ValidateOnResumeHook',
)


@RUNNERS.register_module()
class AVRunner(Runner):
    """mmengine's ``Runner`` with reproducible training, safe checkpoints and early error messages.

    - Each sample and each step has a seed of its own, so that the same seed gives the same weights.
    - ``resume=True`` without ``load_from`` continues from the newest usable checkpoint of the work dir.
    - A validation, a test and a resumed training need a checkpoint with all weights of the model.
    - Checkpoints are written under a temporary name and renamed (backend ``atomic_local``).
    - :data:`HOOKS_OF_EVERY_RUN` are added unless the config has hooks of these types.
    - ``compile=True``, or a dict of options of ``torch.compile``, compiles parts of the model for training
      (:func:`compile_parts`). mmengine compiles the complete step, whose tensor shapes change with the number of
      sampled pixels.

    A config chooses it by ``runner_type = 'AVRunner'``. Arguments are those of ``Runner``.

    Attributes:
        stage: ``'train'``, ``'val'`` or ``'test'``: the method that is running.
        resumes: True if the training is to resume from a checkpoint.
        loading: Description of the checkpoint that is being loaded, for messages.
    """

    def __init__(self, model, work_dir: str, train_dataloader=None, *args, load_from=None, resume=False, **kwargs):
        make_output_folder(work_dir, '--work-dir')
        self.stage, self.resumes, self.loading = 'train', resume, 'the checkpoint'
        self._search = resume and load_from is None
        self._searched = False
        if isinstance(train_dataloader, dict):
            train_dataloader = seed_dataloader(train_dataloader)
        super().__init__(model, work_dir, train_dataloader, *args, load_from=load_from, resume=resume, **kwargs)

    def train(self):
        """Trains, as in mmengine."""
        self.stage = 'train'
        self._report_evaluation_data()
        with checked_local_files(), _batch_norm_remedy():
            return super().train()

    def val(self) -> dict:
        """Validates, as in mmengine."""
        self.stage = 'val'
        with checked_local_files():
            return super().val()

    def test(self) -> dict:
        """Tests, as in mmengine."""
        self.stage = 'test'
        self._report_evaluation_data()
        with checked_local_files():
            return super().test()

    def load_or_resume(self) -> None:
        """Loads or resumes as configured; resumes from the newest usable checkpoint if none is named.

        Raises:
            ValueError: There are checkpoints in the work dir, but none of them is usable.
        """
        if not self._search:
            super().load_or_resume()
        elif not self._searched:
            self._searched = True
            if path := self._find_checkpoint():
                self.resume(path)
            else:
                self.logger.info(
                    f'No checkpoint to resume from in {self.work_dir}: the training starts from the beginning.'
                )

    def resume(self, filename: str, *args, **kwargs) -> None:
        """Resumes from a checkpoint; arguments as in mmengine."""
        super().resume(filename, *args, **kwargs)
        set_position(self)

    def load_checkpoint(self, filename: str, map_location='cpu', strict: bool = False, **kwargs) -> dict:
        """Loads the weights of a checkpoint; arguments as in mmengine.

        Loading is strict for a validation, a test and a resumed training. A new training may load a part of the
        weights.

        Raises:
            ValueError: Weights are missing, unexpected or of another shape.
        """
        strict = strict or self.stage != 'train' or self.resumes
        self.loading = f'the checkpoint {filename}'
        try:
            return super().load_checkpoint(filename, map_location, strict, **kwargs)
        except RuntimeError as error:
            if 'do not match exactly' not in str(error):
                raise
            raise ValueError(
                f'the checkpoint {filename} does not fit the model. {_shorten(str(error))} Use the config of its '
                'training (model.decode_head.num_classes sets the shapes of conv_seg), or another checkpoint.'
            ) from error

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Builds the training loop, and checks that all processes have the same number of batches."""
        loop = super().build_train_loop(loop)
        check_batches(loop.dataloader)
        return loop

    def build_optim_wrapper(self, optim_wrapper: OptimWrapper | dict) -> OptimWrapper:
        """Builds the optimizer wrapper, after a check of the keys of ``paramwise_cfg``."""
        if isinstance(optim_wrapper, dict):
            check_paramwise_cfg(optim_wrapper)
        return super().build_optim_wrapper(optim_wrapper)

    def register_default_hooks(self, hooks: dict | None = None) -> None:
        """Registers mmengine's default hooks, with atomic checkpoints and results written by one process."""
        hooks = {
            'logger': dict(type='LoggerHook'),
            'checkpoint': dict(type='CheckpointHook', interval=1),
            **(hooks or {}),
        }
        super().register_default_hooks({name: _adapt(hook) for name, hook in hooks.items()})

    def register_hooks(self, default_hooks: dict | None = None, custom_hooks: list | None = None) -> None:
        """Registers the hooks of the config and then :data:`HOOKS_OF_EVERY_RUN`, except those whose type it has."""
        super().register_hooks(default_hooks, custom_hooks)
        for name in HOOKS_OF_EVERY_RUN:
            if not any(isinstance(hook, HOOKS.get(name)) for hook in self.hooks):
                self.register_hook(dict(type=name))

    def _find_checkpoint(self) -> str | None:
        """Searches in the main process only, so that all processes resume from the same checkpoint."""
        found: list = [None, None]
        if is_main_process():
            remove_parts(self.work_dir)
            try:
                found[0] = find_checkpoint(self.work_dir, self.logger.warning)
            except ValueError as error:
                found[1] = str(error)
        broadcast_object_list(found)
        if found[1]:
            raise ValueError(found[1])
        return found[0]

    def _report_evaluation_data(self) -> None:
        """Warns if the evaluation uses the training images, or if the best checkpoint is selected on the test set."""
        val, test = ((self.cfg.get(f'{name}_dataloader') or {}).get('dataset') for name in ('val', 'test'))
        best = any(isinstance(hook, CheckpointHook) and hook.save_best for hook in self.hooks)
        if self.cfg.get('evaluates_on_train'):
            self.logger.warning(
                'Validation and test use the training images on purpose (evaluates_on_train=True in the config). Their '
                'metrics show if the model can fit the data, not how it performs on other images.'
            )
        elif self.stage == 'train' and best and val and val == test:
            self.logger.warning(
                'val_dataloader and test_dataloader read the same data, so the best checkpoint is selected on the '
                'test set. This is the protocol for released data without a validation split; with your own data, set '
                'val_dataloader.dataset to a validation split.'
            )

    def _maybe_compile(self, target: str) -> None:
        # mmengine's public options compile only a complete method of the model.
        options = self.cfg.get('compile')
        if target != 'train_step' or not options:
            return
        if options is not True and not isinstance(options, dict):
            raise TypeError(f'compile must be True, False or a dict of options of torch.compile, got {options!r}')
        parts = compile_parts(unwrap(self.model), **({} if options is True else options))
        self.logger.info(f'Compiled for training: {", ".join(parts)}. The first iterations take longer.')


def _adapt(hook):
    if not isinstance(hook, dict):
        return hook
    if hook.get('type') == 'LoggerHook':
        return {**hook, 'type': 'MainProcessLoggerHook'}
    local = '://' not in str(hook.get('out_dir'))
    if hook.get('type') in ('CheckpointHook', 'ExactCheckpointHook') and local and not hook.get('file_client_args'):
        return {'backend_args': dict(backend='atomic_local'), **hook}
    return hook


def _shorten(text: str, length: int = 600) -> str:
    text = ' '.join(text.split())
    return text if len(text) <= length else f'{text[:length]} ...'


@contextmanager
def _batch_norm_remedy() -> Iterator[None]:
    """Adds a remedy to torch's error of a BatchNorm with one value per channel (one image after global pooling)."""
    try:
        yield
    except ValueError as error:
        if 'Expected more than 1 value per channel' not in str(error):
            raise
        raise ValueError(
            f'{error}. BatchNorm needs at least two images per process and step. Set train_dataloader.batch_size to 2 '
            'or more and train_dataloader.drop_last=True; with one image per GPU, set sync_bn="torch".'
        ) from error

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.optim import OptimWrapper
from mmseg.registry import HOOKS

from mmavs.utils.unwrapping import unwrap

from ..runner.checkpoint_files import remove_parts
from ..runner.waiting_gradients import Gradients, gather_gradients, restore_gradients

_GRADIENTS = 'gradients'
# Kept in mmengine's message hub, and by it in every checkpoint: what is to be removed once that checkpoint is there. A
# training that goes on from it makes up for what the one before had no time for.
_EXPIRED, _EXPIRED_BEST = 'expired_ckpts', 'expired_best_ckpts'


@HOOKS.register_module()
class ExactCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook`` that a kill at any moment does not hurt.

    Checkpoints are written under a temporary name and renamed; an old one goes when the one that replaces it is there.
    Gradients that wait for further batches (``accumulative_counts``) are saved too, those of every process. Arguments
    as in mmengine.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._gradients: list[Gradients] = []

    def before_train(self, runner) -> None:
        """Finds the folder, removes leftovers, puts back waiting gradients."""
        remote = '://' in str(self.out_dir or runner.work_dir)
        if self.backend_args is None and self.file_client_args is None and not remote:
            self.backend_args = dict(backend='atomic_local')
        super().before_train(runner)
        self.last_ckpt = runner.message_hub.runtime_info.get('last_ckpt')
        if not remote and is_main_process():
            remove_parts(self.out_dir)
        self._remove_steps(runner.message_hub.runtime_info.get(_EXPIRED, []))
        self._remove_best(runner.message_hub.runtime_info.get(_EXPIRED_BEST, []))
        if runner._resume and self._gradients:
            restore_gradients(unwrap(runner.model), self._gradients, runner.logger.warning)
        self._gradients = []

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Adds the gradients that no step of the optimizer has used yet."""
        if self._gradients and 'optimizer' in checkpoint:
            checkpoint[_GRADIENTS] = self._gradients

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Keeps waiting gradients until the training begins."""
        self._gradients = checkpoint.get(_GRADIENTS, [])

    def _save_checkpoint_with_step(self, runner, step: int, meta: dict) -> None:
        expired = []
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            while len(self.keep_ckpt_ids) >= self.max_keep_ckpts:
                expired.append(self.keep_ckpt_ids.popleft())
            runner.message_hub.update_info(_EXPIRED, expired)
        if _has_waiting_gradients(runner):
            self._gradients = gather_gradients(unwrap(runner.model))  # here are all processes, unlike in the hook above
        super()._save_checkpoint_with_step(runner, step, meta)
        self._gradients = []
        self._remove_steps(expired)

    def _save_best_checkpoint(self, runner, metrics: dict) -> None:
        if not self.save_best:
            return
        best = sorted(self._best_paths())
        runner.message_hub.update_info(_EXPIRED_BEST, best)
        with self._hiding_best():
            super()._save_best_checkpoint(runner, metrics)
        self._remove_best(best)

    @contextmanager
    def _hiding_best(self) -> Iterator[None]:
        """Hides the best checkpoints from mmengine, which would remove them before their successors are there."""
        single, several = getattr(self, 'best_ckpt_path', None), dict(getattr(self, 'best_ckpt_path_dict', {}))
        self.best_ckpt_path = None
        self.best_ckpt_path_dict = dict.fromkeys(several)
        yield
        self.best_ckpt_path = self.best_ckpt_path or single
        for key, old in several.items():
            self.best_ckpt_path_dict[key] = self.best_ckpt_path_dict[key] or old

    def _best_paths(self) -> set[str]:
        several = getattr(self, 'best_ckpt_path_dict', {}).values()
        return {path for path in (getattr(self, 'best_ckpt_path', None), *several) if path}

    def _remove_best(self, paths: list[str]) -> None:
        """Removes those that have successors."""
        for path in set(paths) - self._best_paths():
            self._remove(path)

    def _remove_steps(self, steps: list[int]) -> None:
        for step in steps:
            self._remove(self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(step)))

    def _remove(self, path: str) -> None:
        if is_main_process() and self.file_backend.isfile(path):
            self.file_backend.remove(path)


def _has_waiting_gradients(runner) -> bool:
    wrapper = runner.optim_wrapper
    return isinstance(wrapper, OptimWrapper) and not wrapper.should_update()

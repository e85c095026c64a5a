from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.optim import OptimWrapper
from mmseg.registry import HOOKS
from torch import Tensor

from ..checkpoint_files import remove_parts

_GRADIENTS = 'gradients'


@HOOKS.register_module()
class ExactCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook`` that a kill at any moment does not hurt.

    Checkpoints are written under a temporary name and renamed; an old one goes when the one that replaces it is there.
    Gradients that wait for further batches (``accumulative_counts``) are saved too. A validation that was interrupted
    is made up for when the training is resumed. Arguments as in mmengine.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._gradients: dict[str, Tensor] = {}

    def before_train(self, runner) -> None:
        """Finds the folder, removes leftovers, puts back waiting gradients."""
        remote = '://' in str(self.out_dir or runner.work_dir)
        if self.backend_args is None and self.file_client_args is None and not remote:
            self.backend_args = dict(backend='atomic_local')
        super().before_train(runner)
        self.last_ckpt = runner.message_hub.runtime_info.get('last_ckpt')
        if not remote and is_main_process():
            remove_parts(self.out_dir)
        for name, parameter in runner.model.named_parameters():
            if name in self._gradients:
                parameter.grad = self._gradients[name].to(parameter.device)
        self._gradients = {}

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Adds the gradients that no step of the optimizer has used yet."""
        wrapper = runner.optim_wrapper
        if 'optimizer' not in checkpoint or not isinstance(wrapper, OptimWrapper):
            return
        if wrapper._inner_count % wrapper._accumulative_counts == 0:
            return
        if get_world_size() > 1:
            runner.logger.warning(
                'This checkpoint lies between two steps of the optimizer; a resume from it loses the gradients of '
                'the batches in between. Choose an interval that accumulative_counts divides.'
            )
            return
        checkpoint[_GRADIENTS] = {n: p.grad.cpu() for n, p in runner.model.named_parameters() if p.grad is not None}

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Keeps waiting gradients until the training begins."""
        self._gradients = checkpoint.get(_GRADIENTS, {})

    def _save_checkpoint_with_step(self, runner, step: int, meta: dict) -> None:
        expired = []
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            while len(self.keep_ckpt_ids) >= self.max_keep_ckpts:
                expired.append(self.keep_ckpt_ids.popleft())
        super()._save_checkpoint_with_step(runner, step, meta)
        for old in expired:
            self._remove(self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(old)))

    def _save_best_checkpoint(self, runner, metrics: dict) -> None:
        if not self.save_best:
            return
        with self._keeping_best():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _keeping_best(self) -> Iterator[None]:
        """Hides the best checkpoints from mmengine, which would remove them before their successors are there."""
        single, several = getattr(self, 'best_ckpt_path', None), dict(getattr(self, 'best_ckpt_path_dict', {}))
        self.best_ckpt_path = None
        self.best_ckpt_path_dict = dict.fromkeys(several)
        yield
        for old, new in [(single, self.best_ckpt_path), *((several[k], self.best_ckpt_path_dict[k]) for k in several)]:
            if old and new and old != new:
                self._remove(old)
        self.best_ckpt_path = self.best_ckpt_path or single
        for key, old in several.items():
            self.best_ckpt_path_dict[key] = self.best_ckpt_path_dict[key] or old

    def _remove(self, path: str) -> None:
        if is_main_process() and self.file_backend.isfile(path):
            self.file_backend.remove(path)

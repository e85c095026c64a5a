from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.runner import Runner
from mmseg.registry import RUNNERS

from mmavs.utils.files import make_output_folder
from mmavs.utils.unwrapping import unwrap

from .checkpoint_files import find_newest_whole
from .compiling import compile_parts


@RUNNERS.register_module()
class AVRunner(Runner):
    """mmengine's ``Runner`` that does not trip over damaged checkpoints, and compiles what is worth it.

    `resume = True` goes on from the newest whole checkpoint. With ``compile = True``, or a dict of options of
    ``torch.compile``, a training compiles the parts of its model (:func:`compile_parts`), where mmengine compiles the
    whole step, whose shapes change with the pixels that a loss draws. Chosen in a config by
    ``runner_type = 'AVRunner'``.
    """

    def __init__(self, model, work_dir: str, *args, **kwargs) -> None:
        make_output_folder(work_dir, '--work-dir')
        super().__init__(model, work_dir, *args, **kwargs)

    def load_or_resume(self) -> None:
        """Loads or resumes what the config says, once."""
        if not self._has_loaded and self._resume and self._load_from is None:
            self._load_from = self._find_newest_whole()
            if self._load_from is None:
                self.logger.info(f'No checkpoint to resume from in {self.work_dir}: the training starts anew.')
                self._resume = False
        super().load_or_resume()

    def _find_newest_whole(self) -> str | None:
        """The main process decides for all, so that they go on from the same checkpoint."""
        found = [find_newest_whole(self.work_dir, self.logger.warning) if is_main_process() else None]
        broadcast_object_list(found)
        return found[0]

    def _maybe_compile(self, target: str) -> None:
        options = self.cfg.get('compile')
        if target != 'train_step' or not options:
            return
        if options is not True and not isinstance(options, dict):
            raise TypeError(f'compile must be True, False or a dict of options of torch.compile, got {options!r}')
        parts = compile_parts(unwrap(self.model), **({} if options is True else options))
        self.logger.info(f'Compiled for training: {", ".join(parts)}. The first steps take long.')

import os.path as osp

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.runner import Runner
from mmseg.registry import RUNNERS

from .checkpoint_files import find_damage, find_newest_whole


@RUNNERS.register_module()
class AVRunner(Runner):
    """mmengine's ``Runner`` that does not trip over damaged checkpoints.

    `resume = True` goes on from the newest whole checkpoint; a damaged one that is asked for by name is named in the
    error. Chosen in a config by ``runner_type = 'AVRunner'``.
    """

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

    def load_checkpoint(self, filename: str, *args, **kwargs) -> dict:
        """Loads weights, see ``Runner.load_checkpoint``.

        Raises:
            ValueError: The file is damaged.
        """
        if osp.isfile(filename) and str(filename).endswith('.pth'):
            damage = find_damage(filename)
            if damage is not None and not _is_legacy(filename):
                raise ValueError(
                    f'{filename} can not be loaded: {damage}. Take another checkpoint; with --resume and no '
                    'name the newest whole one of the work dir is found.'
                )
        return super().load_checkpoint(filename, *args, **kwargs)


def _is_legacy(filename: str) -> bool:
    """Whether it is a pickle, the format of torch before 1.6, rather than an archive."""
    with open(filename, 'rb') as f:
        return f.read(1) == b'\x80'

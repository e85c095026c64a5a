"""mmengine's training loops, exact: the same seed gives the same weights, whatever the workers and interruptions."""

from mmengine.dataset import InfiniteSampler
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmengine.runner.loops import _InfiniteDataloaderIterator
from mmseg.registry import LOOPS
from torch.utils.data import DataLoader

from .seeded_dataloader import batch_size_of, build_seeded_dataloader, explaining_single_values, sampler_of
from .seeding import seed_step

# Kept in mmengine's message hub, and by it in every checkpoint: batches of the running epoch that are done, and batches
# that an epoch had.
_DONE, _TOTAL = 'batches_done', 'batches_per_epoch'


def batches_done(runner) -> int:
    """Batches of the running epoch that are done, 0 between two epochs."""
    return runner.message_hub.runtime_info.get(_DONE, 0)


def _adopt_seed(loop) -> None:
    """A resumed training goes on with the seed that it began with, which the checkpoint knows."""
    seeded = sampler_of(loop.dataloader)
    if seeded.seed == loop.runner.seed:
        return
    if getattr(seeded.sampler, 'seed', None) == seeded.seed:
        seeded.sampler.seed = loop.runner.seed
    seeded.seed = loop.runner.seed


@LOOPS.register_module()
class ExactEpochBasedTrainLoop(EpochBasedTrainLoop):
    """mmengine's ``EpochBasedTrainLoop`` whose randomness depends on the seed and the step alone.

    A training that resumes from a checkpoint within an epoch goes on at the next batch and reads nothing of what it
    has seen. Arguments as in mmengine.
    """

    def __init__(self, runner, dataloader: DataLoader | dict, *args, **kwargs) -> None:
        if isinstance(dataloader, dict):
            dataloader = build_seeded_dataloader(runner, dataloader)
        super().__init__(runner, dataloader, *args, **kwargs)
        self._done = 0

    def run_epoch(self) -> None:
        """One epoch, or what is left of it after a resume."""
        _adopt_seed(self)
        hub = self.runner.message_hub
        total = len(self.dataloader)
        self._done = batches_done(self.runner) if hub.runtime_info.get(_TOTAL) == total else 0
        self._iter = self._epoch * total + self._done  # other than before where the batch size has changed
        hub.update_info(_TOTAL, total)
        sampler = sampler_of(self.dataloader)
        sampler.set_epoch(self._epoch)
        sampler.start(self._done * batch_size_of(self.dataloader))
        super().run_epoch()
        hub.update_info(_DONE, 0)

    def run_iter(self, idx: int, data_batch) -> None:
        """One step; ``idx`` counts from the first batch that was not done before."""
        idx += self._done
        # Before the step: a checkpoint that a hook writes at its end counts the step as done.
        self.runner.message_hub.update_info(_DONE, idx + 1)
        seed_step(self.runner.seed, self._iter)
        with explaining_single_values():
            super().run_iter(idx, data_batch)
        if idx + 1 == len(self.dataloader):
            self.runner.message_hub.update_info(_DONE, 0)  # hooks at the epoch's end count the epoch as done


@LOOPS.register_module()
class ExactIterBasedTrainLoop(IterBasedTrainLoop):
    """mmengine's ``IterBasedTrainLoop`` whose randomness depends on the seed and the step alone.

    A resumed training skips the indices that were drawn before, and not, as mmengine's does, after reading all their
    samples. Use it with ``InfiniteSampler``. Arguments as in mmengine.
    """

    def __init__(self, runner, dataloader: DataLoader | dict, *args, **kwargs) -> None:
        if isinstance(dataloader, dict):
            dataloader = build_seeded_dataloader(runner, dataloader)
        super().__init__(runner, dataloader, *args, **kwargs)

    def run(self):
        """The training, from the step that comes next."""
        _adopt_seed(self)
        self.dataloader_iterator = _ResumedIterator(self.dataloader, self._iter)
        return super().run()

    def run_iter(self, data_batch) -> None:
        """One step."""
        seed_step(self.runner.seed, self._iter)
        with explaining_single_values():
            super().run_iter(data_batch)


class _ResumedIterator(_InfiniteDataloaderIterator):
    """Batches without end, from number ``done`` on; for those before, which mmengine asks for too, gives None."""

    def __init__(self, dataloader: DataLoader, done: int) -> None:
        self._dataloader = dataloader
        self._done = self._to_skip = done
        self._begun = False

    def _begin(self) -> None:
        """Begins late, after the hooks that set the sampler's epoch, which count one epoch only."""
        sampler, epoch, done = sampler_of(self._dataloader), 0, self._done
        if not isinstance(sampler.sampler, InfiniteSampler):
            epoch, done = divmod(done, len(self._dataloader))
            sampler.set_epoch(epoch)
        sampler.start(done * batch_size_of(self._dataloader))
        super().__init__(self._dataloader)
        self._epoch, self._begun = epoch, True

    def skip_iter(self, num_iters: int) -> None:
        """What the fork of mmengine calls in place of that many ``next``."""
        self._to_skip -= num_iters

    def __next__(self):
        if self._to_skip:
            self._to_skip -= 1
            return None
        if not self._begun:
            self._begin()
        return super().__next__()

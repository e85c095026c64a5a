"""Randomness that depends on where the training is, and on nothing else.

Samples are drawn by worker processes and steps by the main process; here every sample and every step gets a seed of
its own from (seed, place in the training). So the number of workers, an interruption or a validation in between change
nothing.
"""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.dist import get_rank
from mmseg.registry import DATA_SAMPLERS, DATASETS
from torch.utils.data import Dataset, Sampler

_SAMPLE, _STEP = 0, 1


class Draw(NamedTuple):
    """Which sample, and the numbers that make its seed."""

    index: int
    place: tuple[int, ...]


def seed_sample(place: tuple[int, ...]) -> None:
    """Seeds the generators that transforms use: Python's, numpy's, torch's on the CPU."""
    seed = _mix(_SAMPLE, *place)
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)


def seed_step(seed: int, step: int) -> None:
    """Seeds all generators, those of the GPUs too, for one training step of this process."""
    mixed = _mix(_STEP, seed, step, get_rank())
    random.seed(mixed)
    np.random.seed(mixed)
    torch.manual_seed(mixed)


def _mix(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


@DATASETS.register_module()
class SeededDataset(Dataset):
    """A dataset that draws sample ``Draw(index, place)`` with the seed of that place; all else is the dataset's own.

    Args:
        dataset: A dataset of mmengine, a wrapper of such, or the config of one.
    """

    def __init__(self, dataset: Dataset | dict) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: Draw | int) -> Any:
        if not isinstance(draw, Draw):
            return self.dataset[draw]
        seed_sample(draw.place)
        return self.dataset[draw.index]

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') or name == 'dataset':  # copying and pickling ask before `dataset` is there
            raise AttributeError(name)
        return getattr(self.dataset, name)


@DATA_SAMPLERS.register_module()
class SeededSampler(Sampler):
    """Any sampler of mmengine's, with a seed for each draw and a place to go on from.

    It draws nothing before :meth:`start` has been called, so that a data loader whose workers fetch ahead does not
    read samples that a resumed training skips.

    Args:
        dataset: What is drawn from.
        sampler: Config of the sampler that gives the indices of this process, the same for the same (seed, epoch).
        seed: Seed of the sampler; None for one that the processes agree on.
        training_seed: Seed of the training.
    """

    def __init__(self, dataset: Dataset, sampler: dict, *, seed: int | None, training_seed: int) -> None:
        self.sampler = DATA_SAMPLERS.build(sampler, default_args=dict(dataset=dataset, seed=seed))
        self.seed = training_seed
        self.epoch = 0
        self._first: int | None = None

    def set_epoch(self, epoch: int) -> None:
        """Tells which pass over the data begins."""
        self.epoch = epoch
        if hasattr(self.sampler, 'set_epoch'):
            self.sampler.set_epoch(epoch)

    def start(self, first: int = 0) -> None:
        """The next pass begins with draw number ``first``; what comes before is skipped without being read."""
        self._first = first

    def __iter__(self) -> Iterator[Draw]:
        first, self._first = self._first, 0 if self._first is not None else None
        if first is None:
            return
        rank = get_rank()
        for number, index in enumerate(self.sampler):
            if number >= first:
                yield Draw(index, (self.seed, self.epoch, rank, number))

    def __len__(self) -> int:
        return len(self.sampler)

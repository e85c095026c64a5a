"""Random numbers that depend only on the seed and the position in the training.

Worker processes load the samples, and the main process runs the steps. Each sample and each step has its own seed,
computed from the seed of the training and its position. Therefore the number of workers, validations and interruptions
do not change the result.
"""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import all_gather_object, get_rank
from mmseg.registry import DATA_SAMPLERS, DATASETS
from torch.utils.data import DataLoader, Dataset, Sampler

_SAMPLE, _STEP = 0, 1


class Draw(NamedTuple):
    """Index of a sample, and the integers from which its seed is computed."""

    index: int
    position: tuple[int, ...]


def seed_sample(position: tuple[int, ...]) -> None:
    """Seeds the generators that transforms use: Python's, NumPy's and torch's on the CPU."""
    seed = _mix(_SAMPLE, *position)
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)


def seed_step(seed: int, step: int) -> None:
    """Seeds all generators, including those of the GPUs, for one training step of this process."""
    mixed = _mix(_STEP, seed, step, get_rank())
    random.seed(mixed)
    np.random.seed(mixed)
    torch.manual_seed(mixed)


def _mix(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


@DATASETS.register_module()
class SeededDataset(Dataset):
    """A dataset that seeds the generators before it loads sample ``Draw(index, position)``.

    All other attributes are those of the wrapped dataset.

    Args:
        dataset: A dataset of mmengine, a dataset wrapper, or the config of either.
    """

    def __init__(self, dataset: Dataset | dict) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: Draw | int) -> Any:
        if not isinstance(draw, Draw):
            return self.dataset[draw]
        seed_sample(draw.position)
        return self.dataset[draw.index]

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') or name == 'dataset':  # copying and unpickling read attributes before `__init__`
            raise AttributeError(name)
        return getattr(self.dataset, name)


@DATA_SAMPLERS.register_module()
class SeededSampler(Sampler):
    """Wraps a sampler of mmengine: each index becomes a :class:`Draw`, and the next pass can start in the middle.

    Args:
        dataset: The dataset that is sampled.
        sampler: Config of the sampler of this process. It must give the same indices for the same (seed, epoch).
        seed: Seed of the training; None for a random seed that all processes share.
    """

    def __init__(self, dataset: Dataset, sampler: dict, *, seed: int | None) -> None:
        self.sampler = DATA_SAMPLERS.build(sampler, default_args=dict(dataset=dataset, seed=seed))
        self._dataset, self._cfg = dataset, sampler
        self.seed = getattr(self.sampler, 'seed', 0) if seed is None else seed
        self.epoch = 0
        self.first = 0
        """Number of the first draw of the next pass; draws before it are skipped without loading their samples."""

    def set_seed(self, seed: int) -> None:
        """Sets the seed of the training; a resumed training has that of its checkpoint."""
        if getattr(self.sampler, 'seed', None) == self.seed:
            self.sampler.seed = seed
        self.seed = seed

    def set_epoch(self, epoch: int) -> None:
        """Sets the number of the next pass over the data."""
        self.epoch = epoch
        if hasattr(self.sampler, 'set_epoch'):
            self.sampler.set_epoch(epoch)

    def __iter__(self) -> Iterator[Draw]:
        first, self.first = self.first, 0
        rank = get_rank()
        if isinstance(self.sampler, InfiniteSampler):
            # The iterators of this sampler share one generator, which a resumed training must start again.
            defaults = dict(dataset=self._dataset, seed=self.sampler.seed)
            self.sampler = DATA_SAMPLERS.build(self._cfg, default_args=defaults)
        first_frame = getattr(self.sampler, 'first_frame', None)
        for number, index in enumerate(self.sampler):
            if number >= first:
                # Frames of a clip have one seed, so that they are scaled, cropped and mirrored alike.
                start = number if first_frame is None else number - index + first_frame(index)
                yield Draw(index, (self.seed, self.epoch, rank, start))

    def __len__(self) -> int:
        return len(self.sampler)


def seed_dataloader(cfg: dict) -> dict:
    """Wraps dataset and sampler in the config of a data loader."""
    return dict(
        cfg,
        dataset=dict(type='SeededDataset', dataset=cfg['dataset']),
        sampler=dict(type='SeededSampler', sampler=cfg['sampler']),
    )


def sampler_of(dataloader: DataLoader) -> SeededSampler:
    """The sampler below the batch sampler of a data loader."""
    return dataloader.batch_sampler.sampler


def check_batches(dataloader: DataLoader) -> None:
    """Compares the number of batches of all processes.

    Raises:
        ValueError: A process has no batch, or the numbers differ, so that a process would wait forever.
    """
    sampler = sampler_of(dataloader)
    if not isinstance(sampler, SeededSampler) or isinstance(sampler.sampler, InfiniteSampler):
        return
    batches = all_gather_object(len(dataloader))
    if len(set(batches)) > 1:
        raise ValueError(
            f'the processes have {" and ".join(map(str, batches))} batches per epoch. Set '
            'train_dataloader.sampler.round_up=True or train_dataloader.drop_last=True'
        )
    if not batches[0]:
        raise ValueError(
            f'train_dataloader gives no batch: this process has {len(sampler)} samples, train_dataloader.batch_size '
            f'is {dataloader.batch_sampler.batch_size}. Set a smaller batch_size or start fewer processes'
        )

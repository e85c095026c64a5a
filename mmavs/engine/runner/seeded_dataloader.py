"""Data loaders of the exact training loops."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.dataset import InfiniteSampler
from mmengine.dist import all_gather_object
from torch.utils.data import DataLoader

from .seeding import SeededSampler

_ONE_VALUE = 'Expected more than 1 value per channel'
"""How torch says that a BatchNorm has one value to normalise."""


def build_seeded_dataloader(runner, cfg: dict) -> DataLoader:
    """mmengine's data loader for ``cfg``, its dataset and sampler wrapped so that each draw has its own seed.

    Raises:
        ValueError: It gives no batch, or the processes get different numbers of them.
    """
    cfg = dict(
        cfg,
        dataset=dict(type='SeededDataset', dataset=cfg['dataset']),
        sampler=dict(type='SeededSampler', sampler=cfg['sampler'], training_seed=runner.seed),
    )
    by_rank = runner._randomness_cfg.get('diff_rank_seed', False)
    dataloader = runner.build_dataloader(cfg, seed=runner.seed, diff_rank_seed=by_rank)
    if not isinstance(sampler_of(dataloader).sampler, InfiniteSampler):
        _check_batches(dataloader)
    return dataloader


def sampler_of(dataloader: DataLoader) -> SeededSampler:
    """The sampler under the data loader's batch sampler."""
    return dataloader.batch_sampler.sampler


def batch_size_of(dataloader: DataLoader) -> int:
    """Samples in a batch of this process."""
    return dataloader.batch_sampler.batch_size


def _check_batches(dataloader: DataLoader) -> None:
    batches = all_gather_object(len(dataloader))
    if len(set(batches)) > 1:
        raise ValueError(
            f'the processes have {" and ".join(map(str, batches))} batches an epoch and would wait for one another '
            'forever: leave train_dataloader.sampler.round_up at True, or set train_dataloader.drop_last to True'
        )
    if not batches[0]:
        raise ValueError(
            f'train_dataloader gives no batch: this process has {len(sampler_of(dataloader))} samples, and a batch '
            f'takes {batch_size_of(dataloader)}. Choose a smaller batch_size or fewer processes.'
        )


@contextmanager
def explaining_single_values() -> Iterator[None]:
    """Says what to do where a batch has a single image and a BatchNorm follows a global average.

    Raises:
        ValueError: In that case.
    """
    try:
        yield
    except ValueError as error:
        if _ONE_VALUE not in str(error):
            raise
        raise ValueError(
            f'{error}. A batch of one image can not be normalised over its images: each process needs at least two '
            'a step. Set train_dataloader.batch_size to 2 or more and train_dataloader.drop_last to True; with one '
            'image on each GPU, set sync_bn to "torch".'
        ) from error

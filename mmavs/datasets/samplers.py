import itertools
from collections import defaultdict
from collections.abc import Iterator

import torch
from mmengine.dist import get_dist_info, sync_random_seed
from mmseg.registry import DATA_SAMPLERS
from torch.utils.data import BatchSampler, Dataset, Sampler


@DATA_SAMPLERS.register_module()
class ClipSampler(Sampler):
    """Samples complete clips: each batch has the frames, in order, of one or several clips of equal length.

    It is used with :class:`ClipBatchSampler`, which sets the batch size::

        train_dataloader = dict(
            batch_size=10,  # a clip of 10 frames, or two of 5
            drop_last=False,  # set in the batch sampler
            sampler=dict(type='ClipSampler', shuffle=True),
            batch_sampler=dict(type='ClipBatchSampler', drop_last=True),
            ...)

    The order depends only on the seed and the epoch. With several processes, each gets complete batches.

    Args:
        dataset: Its records have the key ``clip``, and those of a clip are consecutive, see :class:`ClipDataset`.
        shuffle: Shuffles the clips.
        seed: Seed of the order. None for a random seed that all processes share.
        round_up: Repeats some clips to fill the last batch of each clip length, and to give all processes the same
            number of batches. Training needs this. None: same as ``shuffle``. If False, each clip is sampled once.
    """

    def __init__(
        self, dataset: Dataset, shuffle: bool = True, seed: int | None = None, round_up: bool | None = None
    ) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.shuffle = shuffle
        self.seed = sync_random_seed() if seed is None else seed
        self.round_up = shuffle if round_up is None else round_up
        self.epoch = 0
        self.batch_size: int | None = None
        self.one_clip = False
        """True if a batch has a single clip, see :class:`ClipBatchSampler`."""
        self._clips: dict[int, list[range]] = _group_clips(dataset)
        self._first = {frame: clip.start for clips in self._clips.values() for clip in clips for frame in clip}

    def set_batch_size(self, batch_size: int) -> None:
        """Sets the number of frames of a batch.

        Raises:
            ValueError: It is not a multiple of the frames of every clip, or, without rounding up, several lengths have
                a last batch that is not full.
        """
        partial = [n for n, clips in self._clips.items() if not self.one_clip and len(clips) * n % batch_size]
        for length, clips in self._clips.items():
            if batch_size % length:
                name = self.dataset.get_data_info(clips[0][0])['clip']
                raise ValueError(
                    f'batch_size must be a multiple of the frames of every clip, got {batch_size}: clip {name} has '
                    f'{length} frames; the dataset has clips of {", ".join(map(str, sorted(self._clips)))}'
                )
        if len(partial) > 1 and not self.round_up:
            raise ValueError(
                f'batch_size {batch_size} leaves incomplete batches of clips of '
                f'{" and ".join(map(str, sorted(partial)))} frames, but only one may be: set it '
                f'to {max(self._clips)}'
            )
        self.batch_size = batch_size

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, on which the order depends."""
        self.epoch = epoch

    def first_frame(self, index: int) -> int:
        """Index of the first frame of the clip that has the frame ``index``."""
        return self._first[index]

    def _batches(self) -> list[list[range]]:
        """The clips of each batch, for all processes."""
        if self.batch_size is None:
            raise RuntimeError("ClipSampler needs batch_sampler=dict(type='ClipBatchSampler') in its data loader")
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        full, partial = [], []
        for length in sorted(self._clips):
            clips, per_batch = self._clips[length], 1 if self.one_clip else self.batch_size // length
            if self.shuffle:
                clips = [clips[i] for i in torch.randperm(len(clips), generator=generator)]
            missing = -len(clips) % per_batch if self.round_up else 0
            clips = clips + list(itertools.islice(itertools.cycle(clips), missing))
            for i in range(0, len(clips), per_batch):
                batch = clips[i : i + per_batch]
                (full if len(batch) == per_batch else partial).append(batch)
        if self.shuffle:
            full = [full[i] for i in torch.randperm(len(full), generator=generator)]
        batches = full + partial
        missing = -len(batches) % self.world_size if self.round_up else 0
        return batches + list(itertools.islice(itertools.cycle(batches), missing))

    def _batches_of_process(self) -> list[list[range]]:
        return self._batches()[self.rank :: self.world_size]

    def __iter__(self) -> Iterator[int]:
        """The indices of this process."""
        return itertools.chain.from_iterable(clip for batch in self._batches_of_process() for clip in batch)

    def count_batches(self) -> int:
        """Number of batches of this process in an epoch."""
        return len(self._batches_of_process())

    def __len__(self) -> int:
        """Number of indices of this process in an epoch."""
        return sum(len(clip) for batch in self._batches_of_process() for clip in batch)


@DATA_SAMPLERS.register_module()
class ClipBatchSampler(BatchSampler):
    """Batch sampler for :class:`ClipSampler`.

    Args:
        sampler: A ``ClipSampler``, or a wrapper that has it as attribute ``sampler``.
        batch_size: Number of frames of a batch, a multiple of the frames of every clip.
        drop_last: Drops the last batch if it is not full.
        one_clip: Each batch has one clip of any length. For tests at the original size, where clips differ in
            the size of their images. ``batch_size`` must be a multiple of the frames of every clip here too.
    """

    def __init__(self, sampler: Sampler, batch_size: int, drop_last: bool = False, one_clip: bool = False) -> None:
        clips = getattr(sampler, 'sampler', sampler)
        if not isinstance(clips, ClipSampler):
            raise TypeError(f'ClipBatchSampler needs a ClipSampler, got {type(clips).__name__}')
        clips.one_clip = one_clip
        clips.set_batch_size(batch_size)
        self._clips = clips
        super().__init__(sampler, batch_size, drop_last)

    def __iter__(self) -> Iterator[list]:
        """The indices of each batch."""
        if not self._clips.one_clip:
            yield from super().__iter__()
            return
        for _, clip in itertools.groupby(self.sampler, key=lambda draw: self._clips.first_frame(_index_of(draw))):
            yield list(clip)

    def __len__(self) -> int:
        """Number of batches of this process."""
        return self._clips.count_batches() if self._clips.one_clip else super().__len__()


def _index_of(draw: int | tuple) -> int:
    """The index of a sample, also if it comes with its seed."""
    return draw if isinstance(draw, int) else draw.index


def _group_clips(dataset: Dataset) -> dict[int, list[range]]:
    """Clip length -> index ranges of the clips of this length."""
    groups, start = defaultdict(list), 0
    keys = (dataset.get_data_info(i).get('clip') for i in range(len(dataset)))
    for key, members in itertools.groupby(keys):
        if key is None:
            raise ValueError(f'ClipSampler needs records with the key `clip`; record {start} of the dataset has none')
        count = sum(1 for _ in members)
        groups[count].append(range(start, start + count))
        start += count
    return dict(groups)

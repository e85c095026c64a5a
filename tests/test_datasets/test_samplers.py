"""Complete clips in every batch, against brute-force checks of the indices."""

from collections import Counter

import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset
from mmengine.runner import Runner
from torch.utils.data import BatchSampler, DataLoader

from mmavs.datasets import ClipBatchSampler, ClipSampler, samplers
from mmavs.engine.runner.seeding import SeededSampler


class Clips(BaseDataset):
    """A dataset with clips of the given lengths; a sample is its (clip, frame)."""

    def __init__(self, *lengths):
        self.lengths = lengths
        super().__init__()

    def load_data_list(self):
        return [dict(clip=f'c{c}', frame=k) for c, n in enumerate(self.lengths) for k in range(n)]

    def __getitem__(self, index):
        record = self.get_data_info(index)
        return record['clip'], record['frame'], self.lengths[int(record['clip'][1:])]


MIXED = Clips(10, 5, 5, 10, 5, 10, 5, 5, 5)


def loader(dataset, batch_size, *, epoch=0, drop_last=False, **kwargs):
    sampler = ClipSampler(dataset, seed=3, **kwargs)
    sampler.set_epoch(epoch)
    return DataLoader(dataset, batch_sampler=ClipBatchSampler(sampler, batch_size, drop_last), collate_fn=list)


def check_batches(batches, batch_size, *, last_may_be_short=False):
    """Each batch has complete clips of one length, frames in order."""
    for i, batch in enumerate(batches):
        (length,) = {n for _, _, n in batch}
        if not (last_may_be_short and i == len(batches) - 1):
            assert len(batch) == batch_size
        assert len(batch) % length == 0
        for start in range(0, len(batch), length):
            part = batch[start : start + length]
            assert [frame for _, frame, _ in part] == list(range(length))
            assert len({clip for clip, _, _ in part}) == 1


def clips_of(batches):
    return Counter(clip for batch in batches for clip, frame, _ in batch if frame == 0)


@pytest.mark.parametrize('batch_size', [10, 20, 30])
def test_training_draws_every_clip_and_fills_its_batches(batch_size):
    batches = list(loader(MIXED, batch_size))
    check_batches(batches, batch_size)
    counts = clips_of(batches)
    assert set(counts) == {f'c{i}' for i in range(9)}
    assert sum(counts.values()) - 9 < 2 * batch_size // 5
    assert len(loader(MIXED, batch_size)) == len(batches)


def test_order_depends_on_seed_and_epoch_alone():
    first, again, later = (list(loader(MIXED, 10, epoch=epoch)) for epoch in (0, 0, 1))
    assert first == again != later
    check_batches(later, 10)


@pytest.mark.parametrize('drop_last', [False, True])
def test_testing_draws_each_clip_once_and_in_order(drop_last):
    batches = list(loader(MIXED, 10, shuffle=False, drop_last=drop_last))
    check_batches(batches, 10, last_may_be_short=True)
    fives, tens = ([f'c{i}' for i in range(9) if MIXED.lengths[i] == n] for n in (5, 10))
    found = list(clips_of(batches))
    assert [c for c in found if c in tens] == tens and [c for c in found if c in fives] == fives
    assert set(clips_of(batches).values()) == {1}
    short = list(loader(Clips(10, 5, 5, 5), 10, shuffle=False, drop_last=drop_last))
    assert [len(b) for b in short] == ([10, 10] if drop_last else [10, 10, 5])


def ranks(monkeypatch, number, **kwargs):
    """The batches of each of several processes."""
    found = []
    for rank in range(number):
        monkeypatch.setattr(samplers, 'get_dist_info', lambda rank=rank: (rank, number))
        found.append(list(loader(MIXED, 10, **kwargs)))
    return found


@pytest.mark.parametrize('number', [2, 3, 5])
def test_several_processes_share_the_clips(monkeypatch, number):
    alone = list(loader(MIXED, 10))
    found = ranks(monkeypatch, number)
    for batches in found:
        check_batches(batches, 10)
    assert len({len(batches) for batches in found}) == 1, 'a process with fewer steps would keep the others waiting'
    assert set(sum(map(clips_of, found), Counter())) == {f'c{i}' for i in range(9)}
    rounds = [batches[i] for i in range(len(found[0])) for batches in found]
    assert rounds[: len(alone)] == alone, 'together they draw what one alone does'


@pytest.mark.parametrize('number', [2, 3])
def test_several_processes_test_each_clip_once(monkeypatch, number):
    found = ranks(monkeypatch, number, shuffle=False)
    for batches in found:
        check_batches(batches, 10, last_may_be_short=True)
    assert sum(map(clips_of, found), Counter()) == Counter(f'c{i}' for i in range(9))


def test_resumed_pass_continues_at_its_position():
    """As in the training loop, which counts samples."""
    seeded = SeededSampler(MIXED, dict(type='ClipSampler'), seed=3)
    batches = ClipBatchSampler(seeded, 10)
    seeded.set_epoch(4)
    complete = list(batches)
    seeded.first = 2 * batches.batch_size
    assert list(batches) == complete[2:] and len(complete) == len(batches)


def test_config_of_a_data_loader():
    cfg = dict(
        batch_size=10,
        num_workers=0,
        sampler=dict(type='ClipSampler', shuffle=True),
        batch_sampler=dict(type='ClipBatchSampler', drop_last=True),
        dataset=MIXED,
        collate_fn=dict(type='pseudo_collate'),
    )
    built = Runner.build_dataloader(cfg, seed=0)
    assert isinstance(built.batch_sampler, BatchSampler) and len(built) == 6
    assert all(len(set(lengths)) == 1 for _, _, lengths in built)


def test_datasets_joined():
    joined = ConcatDataset([Clips(5, 5), Clips(10)])
    sampler = ClipSampler(joined, shuffle=False)
    sampler.set_batch_size(10)
    assert list(sampler) == list(range(20))


def test_sampler_without_its_batch_sampler():
    with pytest.raises(RuntimeError, match="needs batch_sampler=dict\\(type='ClipBatchSampler'\\)"):
        iter(ClipSampler(MIXED, seed=0))
    with pytest.raises(TypeError, match='needs a ClipSampler, got SequentialSampler'):
        ClipBatchSampler(torch.utils.data.SequentialSampler(MIXED), 10)


def test_clips_that_do_not_fit_a_batch():
    with pytest.raises(ValueError, match='got 5: clip c0 has 10 frames; the dataset has clips of 5, 10'):
        loader(MIXED, 5)
    with pytest.raises(ValueError, match=r'got 10: clip c1 has 3 frames'):
        loader(Clips(5, 3), 10)
    with pytest.raises(ValueError, match='incomplete batches of clips of 5 and 10 frames, .*set it to 10'):
        loader(Clips(5, 10), 20, shuffle=False)


def test_records_without_clips():
    class Images(Clips):
        def load_data_list(self):
            return [dict(img_path='a')]

    with pytest.raises(ValueError, match='record 0 of the dataset has none'):
        ClipSampler(Images())


def test_one_clip_in_each_batch():
    sampler = ClipSampler(MIXED, shuffle=False)
    batches = ClipBatchSampler(sampler, 10, one_clip=True)
    assert len(batches) == 9
    seen = [[MIXED[i] for i in batch] for batch in batches]
    assert all(len(batch) == batch[0][2] and len({clip for clip, _, _ in batch}) == 1 for batch in seen)
    assert {batch[0][0] for batch in seen} == {f'c{i}' for i in range(9)}


def test_frames_of_a_clip_have_one_seed():
    cfg = dict(type='ClipSampler', shuffle=True)
    sampler = SeededSampler(MIXED, cfg, seed=3)
    ClipBatchSampler(sampler, 10)
    seeds = {}
    for draw in sampler:
        seeds.setdefault((MIXED[draw.index][0], draw.position), []).append(MIXED[draw.index][1])
    assert all(frames == list(range(len(frames))) and len(frames) in (5, 10) for frames in seeds.values())
    assert len({position for _, position in seeds}) == len(seeds)

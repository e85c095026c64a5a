"""Trainings in two processes of a gloo group, compared with a single process."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import DATASETS, MODELS
from processes import run_in_processes
from tiny_config import write_tiny_config
from torch.distributed import get_rank
from trainings import assert_equal, train, unwrap
from vpo_tree import write_vpo_tree

from mmavs.engine.runner import seeding
from mmavs.evaluation.metrics import dataset_level_metric

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures('one_thread')]

SEED = 3
# Nine images make five for each process, one of them twice, in batches of three and two.
IMAGES, BATCHES = 9, (3, 2)


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp('two')
    cfg = Config.fromfile(write_tiny_config(folder / 'tiny.py', write_vpo_tree(folder / 'data', num_images=10)))
    cfg.train_dataloader.update(batch_size=BATCHES[0], drop_last=False)
    cfg.train_dataloader.dataset.indices = IMAGES
    cfg.val_dataloader.batch_size = cfg.test_dataloader.batch_size = 2
    cfg.sync_bn = 'torch'  # as configs/cavp/README.md advises; it is for GPUs only
    return cfg


class Recorder(Hook):
    """Records weights, learning rates, losses and confusion matrices of a training."""

    def __init__(self):
        self.start, self.rates, self.losses, self.counts = {}, [], [], []

    def before_train(self, runner):
        self.start = {k: v.clone() for k, v in unwrap(runner.model).state_dict().items()}

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.rates.append([group['lr'] for group in runner.optim_wrapper.param_groups])

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses.append(outputs)


def recording_counts(recorder, patch):
    """Records the confusion matrix of each validation."""
    score = dataset_level_metric.dataset_level_scores
    patch.setattr(
        dataset_level_metric,
        'dataset_level_scores',
        lambda counts, **kwargs: (recorder.counts.append(torch.tensor(counts)), score(counts, **kwargs))[1],
    )


def train_recorded(config, work_dir):
    """Runs in each process."""
    recorder, draws = Recorder(), []
    read = seeding.SeededDataset.__getitem__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            seeding.SeededDataset, '__getitem__', lambda self, draw: (draws.append(draw), read(self, draw))[1]
        )
        recording_counts(recorder, patch)
        weights, _ = train(config, work_dir, hooks=[recorder])
    return dict(vars(recorder), weights=weights, draws=[tuple(d) for d in draws])


@pytest.fixture(scope='module')
def trained(config, tmp_path_factory):
    """(work dir, what each process recorded)."""
    folder = tmp_path_factory.mktemp('trained')
    return folder, run_in_processes(train_recorded, config, folder / 'work', folder=folder / 'shared')


def test_samples_of_an_epoch_are_divided(trained):
    for epoch in range(2):
        drawn = [[d[0] for d in r['draws'] if d[1][1] == epoch] for r in trained[1]]
        assert [len(d) for d in drawn] == [sum(BATCHES)] * 2
        assert set(drawn[0] + drawn[1]) == set(range(IMAGES))


def batches_of(draws):
    sizes = BATCHES * 2
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return [[seeding.Draw(*d) for d in draws[end - size : end]] for end, size in zip(ends, sizes, strict=True)]


def test_step_uses_the_mean_gradient_of_both_batches(config, trained, monkeypatch):
    """Computed again in one process: samples, losses with their random draws, gradients and steps."""
    records = trained[1]
    dataset = seeding.SeededDataset(DATASETS.build(copy.deepcopy(config.train_dataloader.dataset)))
    models = [MODELS.build(copy.deepcopy(config.model)) for _ in records]
    for model in models:
        model.load_state_dict(records[0]['start'])
    wrapper = Runner.build_optim_wrapper(Build(models[0]), copy.deepcopy(config.optim_wrapper))
    for step, batches in enumerate(zip(*(batches_of(r['draws']) for r in records), strict=True)):
        for rank, (model, draws) in enumerate(zip(models, batches, strict=True)):
            for own, first in zip(model.parameters(), models[0].parameters(), strict=True):
                own.data.copy_(first.data)
            batch = pseudo_collate([dataset[draw] for draw in draws])
            monkeypatch.setattr(seeding, 'get_rank', lambda rank=rank: rank)
            seeding.seed_step(SEED, step)
            losses = model.train()(**model.data_preprocessor(batch, True), mode='loss')
            model.zero_grad()
            total, logged = model.parse_losses(losses)
            total.backward()
            assert records[rank]['losses'][step]['loss_contrast'] == logged['loss_contrast'] > 0
        for first, second in zip(models[0].parameters(), models[1].parameters(), strict=True):
            first.grad = (first.grad + second.grad) / 2
        for group, rate in zip(wrapper.param_groups, records[0]['rates'][step], strict=True):
            group['lr'] = rate
        wrapper.step()
    assert_equal(models[0].state_dict(), records[0]['weights'])
    first, second = (r['losses'][0]['loss_contrast'] for r in records)
    assert first != second


class Build:
    """The attribute of a runner that building an optimizer needs."""

    def __init__(self, model):
        self.model = model


def test_all_processes_have_the_same_weights(trained):
    first, second = (r['weights'] for r in trained[1])
    assert [k for k in first if k.endswith(('weight', 'bias')) and not torch.equal(first[k], second[k])] == []


def test_validation_in_two_processes_gives_the_metrics_of_one(config, trained, monkeypatch):
    """Each process has its own running statistics. The number of images is odd, so one process has one more."""
    work_dir, records = trained
    cfg = copy.deepcopy(config)
    cfg.update(load_from=str(work_dir / 'work' / 'epoch_2.pth'), work_dir=str(work_dir / 'alone'), log_level='WARNING')
    alone = Recorder()
    recording_counts(alone, monkeypatch)
    runner = Runner.from_cfg(cfg)
    assert len(runner.test_dataloader.dataset) % 2
    runner.test()
    assert len(records[0]['counts']) == 1 and torch.equal(records[0]['counts'][0], alone.counts[0])


class Paint(Hook):
    """Overwrites labels: {(step, rank): class}."""

    def __init__(self, plan):
        self.plan = plan

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        label = self.plan.get((runner.iter, get_rank()))
        for sample in data_batch['data_samples'] if label is not None else ():
            sample.gt_sem_seg.data.fill_(label)


NOTHING = {(0, 1): 0, (1, 0): 255, (2, 0): 0, (2, 1): 0, (3, 0): 255, (3, 1): 255}  # background, or all of it ignored


def train_on_nothing(config, folder):
    """Runs in each process."""
    results = []
    for loss in ('CAVPLoss', 'SupConLoss'):
        recorder = Recorder()
        weights, _ = train(
            config, folder / loss, hooks=[Paint(NOTHING), recorder], **{'model.contrast_loss.type': loss}
        )
        results.append((recorder.losses, weights))
    return results


def test_batch_without_objects_in_one_process_gives_finite_losses(config, tmp_path):
    results = run_in_processes(train_on_nothing, config, tmp_path / 'work', folder=tmp_path / 'shared')
    for (first, first_weights), (second, second_weights) in zip(*results, strict=True):
        for rank, losses in enumerate((first, second)):
            assert len(losses) == 4
            for step, logged in enumerate(losses):
                assert all(torch.as_tensor(value).isfinite() for value in logged.values())
                assert (logged['loss_contrast'] == 0) == ((step, rank) in NOTHING)
        assert all(value.isfinite().all() for value in (*first_weights.values(), *second_weights.values()))
        key = 'backbone.stem.0.weight'
        assert torch.equal(first_weights[key], second_weights[key])


def train_unevenly(config, work_dir):
    """Runs in each process. One would have two batches and the other one batch."""
    changes = {'train_dataloader.dataset.indices': 7, 'train_dataloader.sampler.round_up': False}
    with pytest.raises(ValueError) as error:
        train(config, work_dir, **changes)
    return str(error.value)


def test_different_numbers_of_batches_are_refused(config, tmp_path):
    for message in run_in_processes(train_unevenly, config, tmp_path / 'work', folder=tmp_path / 'shared'):
        assert 'the processes have 2 and 1 batches per epoch' in message and 'round_up' in message

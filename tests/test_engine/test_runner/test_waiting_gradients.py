"""Accumulated gradients with mixed precision and SGDAdam, in two processes and across an interruption."""

import copy
from functools import partial

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim.optimizer import amp_optimizer_wrapper
from processes import run_in_processes
from tiny_config import write_tiny_config
from torch.distributed import get_rank
from trainings import assert_equal, iterative, train, unwrap

pytestmark = pytest.mark.usefixtures('one_thread')

STEPS, KILL, SAVED = 8, 5, 3  # a checkpoint every three steps, the optimizer steps every second
ACCUMULATE = {'optim_wrapper.accumulative_counts': 2}


@pytest.fixture(scope='module')
def config(tmp_path_factory, vpo_root):
    cfg = Config.fromfile(write_tiny_config(tmp_path_factory.mktemp('waiting') / 'tiny.py', vpo_root))
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint.max_keep_ckpts = -1
    return iterative(cfg, STEPS)


class Watcher(Hook):
    """Weights and gradients at the start, and the gradient of one layer after each step."""

    priority = 'LOWEST'

    def __init__(self):
        self.weights, self.at_start, self.after_step = {}, {}, []

    def before_train(self, runner):
        self.weights = {k: v.clone() for k, v in unwrap(runner.model).state_dict().items()}
        self.at_start = {k: p.grad.clone() for k, p in unwrap(runner.model).named_parameters() if p.grad is not None}

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        grad = unwrap(runner.model).decode_head.conv_seg.weight.grad
        self.after_step.append(None if grad is None else grad.clone())


# Norms over single images, and losses that are means over images: two batches of one image are a batch of two.
APART = {
    **{f'model.{part}.norm_cfg': dict(type='GN', num_groups=1) for part in ('backbone', 'neck', 'audio_backbone')},
    'model.decode_head.norm_cfg': dict(type='GN', num_groups=1),
    'model.decode_head.loss_decode.avg_non_ignore': False,
    'model.contrast_loss': None,
    'param_scheduler': [],
}
IMAGES = 4
ONE_BY_ONE = {**ACCUMULATE, 'train_dataloader.batch_size': 1, 'train_cfg.max_iters': IMAGES}
AT_ONCE = {'train_dataloader.batch_size': 2, 'train_cfg.max_iters': IMAGES // 2}
BF16 = {'optim_wrapper.type': 'CPUAmpOptimWrapper'}
SCALED = {'optim_wrapper.type': 'AmpOptimWrapper', 'optim_wrapper.loss_scale': 'dynamic'}


def train_both_ways(config, folder):
    """Runs in each process."""
    results = {}
    for name, changes in (
        ('fp32', ONE_BY_ONE),
        ('fp32 at once', AT_ONCE),
        ('bf16', {**ONE_BY_ONE, **BF16}),
        ('bf16 at once', {**AT_ONCE, **BF16}),
        ('scaled', {**ONE_BY_ONE, **SCALED}),
    ):
        watcher = Watcher()
        with pytest.MonkeyPatch.context() as patch:
            # mmengine's wrapper with loss scaling asks for a GPU, but does the same without
            patch.setattr(amp_optimizer_wrapper, 'is_cuda_available', lambda: True)
            patch.setattr(amp_optimizer_wrapper, 'GradScaler', partial(torch.amp.GradScaler, 'cpu', init_scale=2**10))
            weights, runner = train(config, folder / name, hooks=[watcher], **APART, **changes)
        state = runner.optim_wrapper.state_dict()
        results[name] = dict(
            start=watcher.weights, weights=weights, grads=watcher.after_step, scaled='loss_scaler' in state
        )
    return results


@pytest.fixture(scope='module')
def both_ways(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp('both')
    return run_in_processes(train_both_ways, config, folder / 'work', folder=folder / 'shared')


def flat(weights):
    return torch.cat([value.double().flatten() for value in weights.values()])


@pytest.mark.parametrize('precision, tolerance', [('fp32', 1e-4), ('bf16', 0.05)])
def test_batches_one_by_one_are_a_batch_at_once(both_ways, precision, tolerance):
    runs = both_ways[0]
    found, wanted, start = (flat(w) for w in (runs[precision]['weights'], runs[f'{precision} at once']['weights'],
                                              runs['fp32']['start']))  # fmt: skip
    ratio = (found - wanted).norm() / (wanted - start).norm()
    assert ratio < tolerance


@pytest.mark.parametrize('name', ['fp32', 'bf16', 'scaled'])
def test_processes_share_gradients_only_before_a_step_of_the_optimizer(both_ways, name):
    first, second = (r[name] for r in both_ways)
    assert len(first['grads']) == IMAGES
    for a, b, c, d in zip(first['grads'][::2], second['grads'][::2], first['grads'][1::2], second['grads'][1::2],
                          strict=True):  # fmt: skip
        assert a.isfinite().all() and not torch.equal(a, b)  # each process still has its own
        assert c is d is None  # used up
    assert_equal(first['weights'], second['weights'])


def test_loss_scaling_changes_nothing(both_ways):
    """Powers of two: the same bits, unless something is scaled or stepped twice or not at all."""
    plain, scaled = (both_ways[0][name] for name in ('bf16', 'scaled'))
    assert scaled['scaled'] and not plain['scaled']
    assert torch.equal(scaled['grads'][0], 2**10 * plain['grads'][0])
    assert_equal(scaled['weights'], plain['weights'])


def interrupt(config, folder):
    """Runs in each process. Only the first one's folder has checkpoints."""
    folder = folder / str(get_rank())
    changes, watcher = {**ACCUMULATE, **BF16}, Watcher()
    wanted, _ = train(config, folder / 'whole', **changes)
    train(config, folder / 'killed', kill=KILL, **changes)
    found, runner = train(config, folder / 'killed', resume=True, hooks=[watcher], **changes)
    return dict(wanted=wanted, found=found, at_start=watcher.at_start, steps=len(watcher.after_step))


@pytest.fixture(scope='module')
def interrupted(config, tmp_path_factory):
    """(folder of the first process, what each of the two gave)."""
    folder = tmp_path_factory.mktemp('interrupted')
    return folder / 'work' / '0', run_in_processes(interrupt, config, folder / 'work', folder=folder / 'shared')


def parts(state, prefix=''):
    """All leaves of nested containers, by their paths."""
    if isinstance(state, (dict, list, tuple)):
        items = state.items() if isinstance(state, dict) else enumerate(state)
        return {k: v for name, value in items for k, v in parts(value, f'{prefix}/{name}').items()}
    return {prefix: state if isinstance(state, torch.Tensor) else torch.tensor(hash(state))}


def test_two_processes_resume_exactly_between_two_steps_of_the_optimizer(interrupted):
    folder, results = interrupted
    for result in results:
        assert result['steps'] == STEPS - SAVED
        weights = {k for k in result['wanted'] if k.endswith(('weight', 'bias'))}
        assert_equal({k: result['found'][k] for k in weights}, {k: result['wanted'][k] for k in weights})
    assert_equal(results[0]['found'], results[0]['wanted'])
    found, wanted = (torch.load(folder / run / f'iter_{STEPS}.pth') for run in ('killed', 'whole'))
    assert_equal(parts(found['optimizer']), parts(wanted['optimizer']))
    assert 'gradients' not in wanted


def test_each_process_gets_its_own_gradients_back(interrupted):
    folder, results = interrupted
    saved = torch.load(folder / 'whole' / f'iter_{SAVED}.pth')['gradients']
    for own, result in zip(saved, results, strict=True):
        assert_equal(result['at_start'], own)
    key = 'decode_head.conv_seg.weight'
    assert not torch.equal(saved[0][key], saved[1][key])


def test_another_number_of_processes_goes_on_with_the_mean(config, interrupted, tmp_path, capsys):
    checkpoint, watcher = interrupted[0] / 'whole' / f'iter_{SAVED}.pth', Watcher()
    train(config, tmp_path, resume=True, load_from=str(checkpoint), hooks=[watcher], **ACCUMULATE)
    first, second = torch.load(checkpoint)['gradients']
    assert_equal(watcher.at_start, {k: (first[k] + second[k]) / 2 for k in first})
    assert 'holds gradients of 2 processes, now there are 1' in capsys.readouterr().out


def test_a_new_training_from_such_a_checkpoint_begins_without(config, interrupted, tmp_path):
    cfg, watcher = copy.deepcopy(config), Watcher()
    cfg.load_from = str(interrupted[0] / 'whole' / f'iter_{SAVED}.pth')
    train(cfg, tmp_path, hooks=[watcher], **{'train_cfg.max_iters': 1}, **ACCUMULATE)
    assert watcher.at_start == {}

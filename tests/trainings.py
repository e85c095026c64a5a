"""Complete trainings of a tiny model, in one process or in each of several (see processes.py)."""

import copy
import time

import pytest
import torch
from mmengine.hooks import Hook
from mmseg.registry import HOOKS, RUNNERS

from mmavs.engine.runner.launch import prepare_cpu_processes
from mmavs.utils.unwrapping import unwrap


class Killed(BaseException):
    """Ends a training in these tests as SIGKILL would: no code of the project catches it."""


@HOOKS.register_module(force=True)
class KillHook(Hook):
    """Ends the training in the middle of a step."""

    priority = 'VERY_HIGH'

    def __init__(self, step):
        self.step = step

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.step:
            raise Killed


def train(config, work_dir, *, seed=3, kill=None, resume=False, hooks=(), **changes):
    """Trains; returns the weights, or None if the training was killed, and the runner."""
    cfg = copy.deepcopy(config)
    cfg.merge_from_dict(
        {'work_dir': str(work_dir), 'randomness.seed': seed, 'resume': resume, 'log_level': 'WARNING', **changes}
    )
    cfg.experiment_name = f'{work_dir.name}_{seed}_{kill}_{resume}_{len(changes)}_{time.monotonic_ns()}'
    if torch.distributed.is_initialized():
        cfg.launcher = 'pytorch'
        prepare_cpu_processes(cfg)
    if kill is not None:
        cfg.custom_hooks = [dict(type='KillHook', step=kill)]
    runner = RUNNERS.build(cfg)
    for hook in hooks:
        runner.register_hook(hook)
    if kill is not None:
        with pytest.raises(Killed):
            runner.train()
        return None, runner
    runner.train()
    return {k: v.clone() for k, v in unwrap(runner.model).state_dict().items()}, runner


def by_steps(interval):
    """Changes of a config: checkpoints every few steps."""
    return {'default_hooks.checkpoint.by_epoch': False, 'default_hooks.checkpoint.interval': interval}


def iterative(config, steps=8, **changes):
    """The same training counted in steps, with a checkpoint every three."""
    cfg = copy.deepcopy(config)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=steps, val_interval=4)
    cfg.train_dataloader.sampler = dict(type='InfiniteSampler', shuffle=True)
    cfg.param_scheduler = [dict(type='VisualPolyLR', power=0.9, begin=0, end=steps, by_epoch=False)]
    cfg.merge_from_dict({**by_steps(3), 'log_processor.by_epoch': False, **changes})
    return cfg


def assert_equal(found, wanted):
    """Asserts that all tensors are bit-identical."""
    assert found.keys() == wanted.keys()
    assert [k for k in wanted if not torch.equal(found[k], wanted[k])] == []

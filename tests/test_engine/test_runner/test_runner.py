import copy
import re

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import CheckpointHook, Hook, LoggerHook
from mmengine.model import BaseModel
from mmseg.registry import HOOKS, RUNNERS
from tiny_config import write_tiny_config
from torch import nn
from trainings import train

from mmavs.engine import AVRunner, MainProcessLoggerHook
from mmavs.engine.hooks import FiniteHook
from mmavs.engine.runner.runner import HOOKS_OF_EVERY_RUN


@pytest.mark.parametrize('name', ['file', 'file/below'])
def test_work_dir_that_cannot_be_made_is_named_with_the_remedy(tmp_path, name):
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match=rf'cannot write .*{name}: .*; a file has this name: .* another --work-dir'):
        AVRunner(nn.Identity(), str(tmp_path / name))


class Nothing(BaseModel):
    def forward(self, **_):
        return [{}]


def build(tmp_path, **kwargs):
    name = re.sub(r'\W', '_', str(tmp_path))
    return AVRunner(Nothing(), str(tmp_path), default_scope='mmseg', experiment_name=name, **kwargs)


def hooks_of(runner, kind):
    return [hook for hook in runner.hooks if isinstance(hook, kind)]


def test_hooks_of_every_run_are_added_to_those_of_the_config(tmp_path):
    runner = build(tmp_path, default_hooks=dict(logger=dict(type='LoggerHook', interval=7)))
    for name in HOOKS_OF_EVERY_RUN:
        assert len(hooks_of(runner, HOOKS.get(name))) == 1, name
    (logger,) = hooks_of(runner, LoggerHook)
    assert isinstance(logger, MainProcessLoggerHook) and logger.interval == 7


def test_hooks_that_the_config_states_are_not_added_twice(tmp_path):
    runner = build(tmp_path, custom_hooks=[dict(type='FiniteHook', interval=3)])
    (hook,) = hooks_of(runner, FiniteHook)
    assert hook.interval == 3


@pytest.mark.parametrize(
    'options, backend',
    [
        ({}, dict(backend='atomic_local')),
        (dict(backend_args=dict(backend='local')), dict(backend='local')),
        (dict(out_dir='s3://bucket'), None),
    ],
)
def test_local_checkpoints_are_atomic_unless_the_config_states_a_backend(tmp_path, options, backend):
    runner = build(tmp_path, default_hooks=dict(checkpoint=dict(type='CheckpointHook', **options)))
    assert hooks_of(runner, CheckpointHook)[0].backend_args == backend


@pytest.fixture(scope='module')
def config(tmp_path_factory, vpo_root):
    cfg = Config.fromfile(write_tiny_config(tmp_path_factory.mktemp('runner') / 'tiny.py', vpo_root))
    cfg.train_cfg.update(max_epochs=1, val_interval=9)
    return cfg


ON_TEST, ON_TRAIN = 'the best checkpoint is selected on the test set', 'use the training images on purpose'


@pytest.mark.parametrize(
    'changes, times',
    [
        ({'test_dataloader.dataset.subset': 'ms'}, {ON_TEST: 1, ON_TRAIN: 0}),  # equal to val_dataloader
        ({'test_dataloader.dataset.subset': 'ss'}, {ON_TEST: 0, ON_TRAIN: 0}),
        ({'default_hooks.checkpoint.save_best': None}, {ON_TEST: 0, ON_TRAIN: 0}),
        ({'evaluates_on_train': True}, {ON_TEST: 0, ON_TRAIN: 1}),
    ],
)
def test_data_of_the_evaluation_is_reported_once(config, tmp_path, capsys, changes, times):
    with pytest.raises(RuntimeError, match='stop here'):
        train(config, tmp_path, hooks=[Stop()], **changes)
    out = capsys.readouterr().out
    assert {text: out.count(text) for text in times} == times


class Stop(Hook):
    """Ends a training before its first step."""

    priority = 'VERY_HIGH'

    def before_train(self, runner):
        raise RuntimeError('stop here')


def test_test_needs_all_weights_and_a_training_does_not(config, tmp_path):
    def build_with(**changes):
        cfg = copy.deepcopy(config)
        cfg.update(work_dir=str(tmp_path / 'work'), experiment_name=f'{tmp_path.name}_{len(changes)}', **changes)
        return RUNNERS.build(cfg)

    weights = {key: value for key, value in build_with().model.state_dict().items() if 'conv_seg' not in key}
    torch.save(dict(state_dict=weights), tmp_path / 'part.pth')
    runner = build_with(load_from=str(tmp_path / 'part.pth'))
    runner.load_or_resume()  # as a training does
    with pytest.raises(ValueError, match=r'part\.pth does not fit the model.*conv_seg.*num_classes'):
        build_with(load_from=str(tmp_path / 'part.pth')).test()

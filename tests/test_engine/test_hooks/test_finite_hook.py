"""Trainings whose loss or weights stop being finite."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from tiny_config import write_tiny_config
from torch import nn
from trainings import train

from mmavs.engine import FiniteHook

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def config(tmp_path_factory, vpo_root):
    """Two epochs of three steps."""
    return Config.fromfile(write_tiny_config(tmp_path_factory.mktemp('finite') / 'tiny.py', vpo_root))


class Spoil(Hook):
    """Sets a weight to NaN before an iteration, or after it."""

    def __init__(self, iteration, *, after=False):
        self.iteration, self.after = iteration, after

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if not self.after and runner.iter == self.iteration:
            next(runner.model.decode_head.parameters()).data.fill_(float('nan'))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if self.after and runner.iter == self.iteration:
            next(runner.model.decode_head.parameters()).data.fill_(float('nan'))


def test_loss_that_is_not_finite_stops_the_training_and_the_last_checkpoint_stays(config, tmp_path):
    message = r'loss.* is not finite .* at epoch 2, iteration 5; samples of this batch: .*jpg.*optimizer\.lr'
    with pytest.raises(FloatingPointError, match=message):
        train(config, tmp_path, hooks=[Spoil(4)])
    assert [path.name for path in tmp_path.glob('*.pth')] == ['epoch_1.pth']
    assert all(
        v.isfinite().all() for v in torch.load(tmp_path / 'epoch_1.pth', weights_only=False)['state_dict'].values()
    )


def test_weights_that_are_not_finite_are_not_saved(config, tmp_path):
    with pytest.raises(FloatingPointError, match=r'weights are not finite.*first: decode_head.*no checkpoint is saved'):
        train(config, tmp_path, hooks=[Spoil(5, after=True)])
    assert [path.name for path in tmp_path.glob('*.pth')] == ['epoch_1.pth']


@pytest.mark.parametrize('stage', ['val', 'test'])
def test_weights_that_are_not_finite_are_not_evaluated(stage):
    model = nn.Linear(2, 1)
    runner = SimpleNamespace(model=model, iter=0)
    getattr(FiniteHook(), f'before_{stage}')(runner)
    model.bias.data.fill_(float('inf'))
    with pytest.raises(FloatingPointError, match='first: bias'):
        getattr(FiniteHook(), f'before_{stage}')(runner)


class Scaler:
    """Lowers its scale at each skipped step, as torch's does."""

    def __init__(self):
        self.scale = 2.0**16

    def get_scale(self):
        return self.scale


def test_with_a_gradient_scaler_only_a_run_of_skipped_steps_stops_the_training():
    scaler = Scaler()
    wrapper = SimpleNamespace(loss_scaler=scaler, should_update=lambda: True)
    runner = SimpleNamespace(model=nn.Linear(2, 1), optim_wrapper=wrapper, iter=1, epoch=0)
    hook = FiniteHook(interval=1000, max_skipped=3)
    infinite, finite = dict(loss=torch.tensor(float('inf'))), dict(loss=torch.tensor(1.0))
    for outputs in (infinite, infinite, finite, infinite, infinite):
        scaler.scale /= 2 if outputs is infinite else 1
        hook.after_train_iter(runner, 0, {}, outputs)
    scaler.scale /= 2
    with pytest.raises(FloatingPointError, match='loss is not finite'):
        hook.after_train_iter(runner, 0, {}, infinite)

"""Whole trainings: equal seeds give equal weights, whatever the workers, interruptions and resumes."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmseg.registry import HOOKS, RUNNERS
from tiny_config import write_tiny_config

from mmavs.datasets import LoadFrame
from mmavs.engine import checkpoint_files


class Killed(BaseException):
    """What ends a training in these tests as SIGKILL does elsewhere: nothing of the project's catches it."""


@HOOKS.register_module(force=True)
class KillHook(Hook):
    """Ends the training in the middle of a step."""

    priority = 'VERY_HIGH'

    def __init__(self, step):
        self.step = step

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.step:
            raise Killed


@pytest.fixture(scope='module')
def config(tmp_path_factory, vpo_root):
    return Config.fromfile(write_tiny_config(tmp_path_factory.mktemp('exact') / 'tiny.py', vpo_root))


@pytest.fixture(scope='module', autouse=True)
def _one_thread():
    """The number of threads decides the order of sums."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def train(config, work_dir, *, seed=3, kill=None, resume=False, **changes):
    """The weights after training, and the runner; None if it was killed."""
    cfg = copy.deepcopy(config)
    cfg.merge_from_dict(
        {'work_dir': str(work_dir), 'randomness.seed': seed, 'resume': resume, 'log_level': 'WARNING', **changes}
    )
    cfg.experiment_name = f'{work_dir.name}_{seed}_{kill}_{resume}_{len(changes)}'
    if kill is not None:
        cfg.custom_hooks = [dict(type='KillHook', step=kill)]
    runner = RUNNERS.build(cfg)
    if kill is not None:
        with pytest.raises(Killed):
            runner.train()
        return None, runner
    runner.train()
    return {k: v.clone() for k, v in runner.model.state_dict().items()}, runner


def iterative(config, **changes):
    """The same training counted in steps, with accumulated gradients."""
    cfg = copy.deepcopy(config)
    cfg.train_cfg = dict(type='ExactIterBasedTrainLoop', max_iters=8, val_interval=4)
    cfg.train_dataloader.sampler = dict(type='InfiniteSampler', shuffle=True)
    cfg.param_scheduler = [dict(type='VisualPolyLR', power=0.9, begin=0, end=8, by_epoch=False)]
    cfg.merge_from_dict({**by_steps(3), 'log_processor.by_epoch': False, **changes})
    return cfg


def by_steps(interval):
    return {'default_hooks.checkpoint.by_epoch': False, 'default_hooks.checkpoint.interval': interval}


def assert_equal(found, wanted):
    assert found.keys() == wanted.keys()
    assert [k for k in wanted if not torch.equal(found[k], wanted[k])] == []


@pytest.fixture(scope='module')
def reference(config, tmp_path_factory, _one_thread):
    return train(config, tmp_path_factory.mktemp('reference'))


@pytest.mark.parametrize('workers', [0, 1, 3])
def test_number_of_workers_changes_nothing(config, reference, tmp_path, workers):
    changes = {'train_dataloader.num_workers': workers, 'train_dataloader.persistent_workers': workers == 3}
    assert_equal(train(config, tmp_path, **changes)[0], reference[0])


def test_another_seed_changes_the_weights(config, reference, tmp_path):
    weights = train(config, tmp_path, seed=4)[0]
    assert not torch.equal(weights['decode_head.conv_seg.weight'], reference[0]['decode_head.conv_seg.weight'])


@pytest.mark.parametrize('kill', [2, 5])  # of six steps, three in each epoch
@pytest.mark.parametrize('changes', [{}, by_steps(2)], ids=['epochs', 'steps'])
def test_resume_ends_with_the_weights_of_a_training_without_interruption(config, reference, tmp_path, kill, changes):
    train(config, tmp_path, kill=kill, **changes)
    weights, runner = train(config, tmp_path, resume=True, seed=99, **changes)  # the seed comes from the checkpoint
    if kill == 2 and not changes:  # nothing was saved yet: a training of its own
        assert not torch.equal(weights['decode_head.conv_seg.weight'], reference[0]['decode_head.conv_seg.weight'])
    else:
        assert_equal(weights, reference[0])
    assert runner.iter == reference[1].iter


def test_steps_with_accumulated_gradients(config, tmp_path):
    cfg = iterative(config, **{'optim_wrapper.accumulative_counts': 2})
    wanted, _ = train(cfg, tmp_path / 'whole')
    train(cfg, tmp_path / 'killed', kill=5)  # the checkpoint of step 3 lies between two steps of the optimizer
    assert_equal(train(cfg, tmp_path / 'killed', resume=True)[0], wanted)


@pytest.mark.parametrize('sampler', ['InfiniteSampler', 'DefaultSampler'])
def test_steps_over_several_passes(config, tmp_path, sampler, monkeypatch):
    monkeypatch.setattr('time.sleep', lambda seconds: None)  # mmengine waits between two passes
    cfg = iterative(config, **{'train_dataloader.sampler.type': sampler})
    wanted, _ = train(cfg, tmp_path / 'whole')
    train(cfg, tmp_path / 'killed', kill=7)
    assert_equal(train(cfg, tmp_path / 'killed', resume=True)[0], wanted)


@pytest.mark.parametrize('loop', ['epochs', 'steps'])
def test_resume_reads_only_what_is_left(config, tmp_path, loop, monkeypatch):
    cfg = iterative(config) if loop == 'steps' else copy.deepcopy(config)
    cfg.merge_from_dict({**by_steps(3), 'train_cfg.val_interval': 1000})
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    train(cfg, tmp_path, kill=4)
    read = []
    load = LoadFrame.transform
    monkeypatch.setattr(LoadFrame, 'transform', lambda self, results: (read.append(1), load(self, results))[1])
    _, runner = train(cfg, tmp_path, resume=True)
    assert len(read) == 2 * (runner.max_iters - 3)


def test_falls_back_to_the_newest_whole_checkpoint(config, reference, tmp_path, capsys):
    train(config, tmp_path, kill=5, **by_steps(2))
    newest = tmp_path / 'iter_4.pth'
    newest.write_bytes(newest.read_bytes()[:-1000])
    (tmp_path / 'last_checkpoint').write_text('')  # as mmengine leaves it when it is killed while writing it
    assert_equal(train(config, tmp_path, resume=True, **by_steps(2))[0], reference[0])
    assert f'{newest} is passed over: the file is cut short' in capsys.readouterr().out


def test_resume_without_any_checkpoint_starts_anew(config, reference, tmp_path):
    assert_equal(train(config, tmp_path, resume=True)[0], reference[0])


def test_damaged_checkpoint_is_named(config, tmp_path):
    path = tmp_path / 'epoch_9.pth'
    torch.save(dict(state_dict={}), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r'epoch_9\.pth can not be loaded: the file is cut short'):
        train(config, tmp_path, load_from=str(path))


def test_validation_that_was_cut_off_is_made_up_for(config, reference, tmp_path, monkeypatch):
    """Killed at the end, after the checkpoint and before the validation: no best checkpoint yet."""
    with monkeypatch.context() as patch:
        patch.setattr('mmengine.runner.ValLoop.run', _kill)
        with pytest.raises(Killed):
            train(config, tmp_path)
    assert not list(tmp_path.glob('best_*'))
    train(config, tmp_path, resume=True)
    assert [p.name for p in tmp_path.glob('best_*')] == ['best_mIoU_epoch_2.pth']
    wanted = reference[1].message_hub.get_info('best_score')
    assert torch.load(tmp_path / 'epoch_2.pth')['message_hub']['runtime_info']['best_score'] == wanted


def _kill(*args):
    raise Killed


def test_old_checkpoint_stays_until_the_new_one_is_there(config, tmp_path, monkeypatch):
    put = checkpoint_files.AtomicLocalBackend.put

    def fail(self, obj, filepath):
        if 'epoch_2' in str(filepath):
            raise Killed
        put(self, obj, filepath)

    monkeypatch.setattr(checkpoint_files.AtomicLocalBackend, 'put', fail)
    with pytest.raises(Killed):
        train(config, tmp_path, **{'default_hooks.checkpoint.max_keep_ckpts': 1})
    assert checkpoint_files.find_damage(tmp_path / 'epoch_1.pth') is None


def test_only_the_wanted_checkpoints_are_kept(config, tmp_path):
    train(config, tmp_path, **{**by_steps(2), 'default_hooks.checkpoint.max_keep_ckpts': 2})
    kept = sorted(p.name for p in tmp_path.glob('*.pth') if not p.name.startswith('best'))
    assert len(kept) == 2 and len(list(tmp_path.glob('best_*.pth'))) == 1


def test_shortened_epochs(config, tmp_path):
    _, runner = train(config, tmp_path, **{'train_dataloader.num_batch_per_epoch': 2})
    assert runner.iter == 4

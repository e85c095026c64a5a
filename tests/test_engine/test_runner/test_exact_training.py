"""Whole trainings: equal seeds give equal weights, whatever the workers, interruptions and resumes."""

import copy

import pytest
import torch
from mmengine.config import Config
from tiny_config import write_tiny_config
from trainings import Killed, assert_equal, by_steps, iterative, train

from mmavs.datasets import LoadFrame
from mmavs.engine import ExactCheckpointHook
from mmavs.engine.runner import checkpoint_files

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def config(tmp_path_factory, vpo_root):
    return Config.fromfile(write_tiny_config(tmp_path_factory.mktemp('exact') / 'tiny.py', vpo_root))


@pytest.fixture(scope='module')
def reference(config, tmp_path_factory, one_thread):
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


def test_a_batch_of_one_image_is_refused_with_the_remedy(config, tmp_path):
    changes = {'train_dataloader.batch_size': 5, 'train_dataloader.drop_last': False}  # and one of one
    with pytest.raises(ValueError, match='more than 1 value per channel.*drop_last to True'):
        train(config, tmp_path, **changes)


def test_a_set_smaller_than_a_batch_is_refused(config, tmp_path):
    with pytest.raises(ValueError, match='no batch: this process has 6 samples, and a batch takes 8'):
        train(config, tmp_path, **{'train_dataloader.batch_size': 8})


def leave_out_removing(monkeypatch):
    """As if killed between the writing of a checkpoint and the removing of the one that it replaces."""
    monkeypatch.setattr(ExactCheckpointHook, '_remove', _kill)


@pytest.mark.parametrize('kind', ['regular', 'best'])
def test_replaced_checkpoints_do_not_stay_after_a_kill(config, tmp_path, monkeypatch, kind):
    scores = iter((1.0, 2.0, 3.0))
    monkeypatch.setattr('mmengine.evaluator.Evaluator.evaluate', lambda self, size: dict(mIoU=next(scores)))
    keep = {'default_hooks.checkpoint.max_keep_ckpts': 1 if kind == 'regular' else -1, 'train_cfg.val_interval': 1}
    with monkeypatch.context() as patch:
        leave_out_removing(patch)
        with pytest.raises(Killed):
            train(config, tmp_path, **keep)
    pattern = 'epoch_*.pth' if kind == 'regular' else 'best_*.pth'
    assert len(list(tmp_path.glob(pattern))) == 2
    train(config, tmp_path, resume=True, **keep)
    assert [p.name for p in tmp_path.glob(pattern)] == [
        pattern.replace('*', {'regular': '2', 'best': 'mIoU_epoch_2'}[kind])
    ]

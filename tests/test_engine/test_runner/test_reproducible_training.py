"""Complete trainings: equal seeds give equal weights, with any number of workers and after interruptions."""

import copy

import pytest
import torch
from mmengine.config import Config
from tiny_config import write_tiny_config
from trainings import Killed, assert_equal, by_steps, iterative, train

from mmavs.datasets import LoadFrame
from mmavs.engine.runner import checkpoint_files

pytestmark = pytest.mark.usefixtures('one_thread')

KEY = 'decode_head.conv_seg.weight'


@pytest.fixture(scope='module')
def config(tmp_path_factory, vpo_root):
    """Two epochs of three steps."""
    return Config.fromfile(write_tiny_config(tmp_path_factory.mktemp('reproducible') / 'tiny.py', vpo_root))


@pytest.fixture(scope='module')
def reference(config, tmp_path_factory, one_thread):
    return train(config, tmp_path_factory.mktemp('reference'))


@pytest.mark.parametrize('workers', [0, 3])
def test_number_of_workers_changes_nothing(config, reference, tmp_path, workers):
    changes = {'train_dataloader.num_workers': workers, 'train_dataloader.persistent_workers': workers == 3}
    assert_equal(train(config, tmp_path, **changes)[0], reference[0])


@pytest.mark.slow
def test_another_seed_changes_the_weights(config, reference, tmp_path):
    assert not torch.equal(train(config, tmp_path, seed=4)[0][KEY], reference[0][KEY])


def test_resumed_epochs_end_with_the_weights_of_an_uninterrupted_training(config, reference, tmp_path):
    train(config, tmp_path, kill=5)
    weights, runner = train(config, tmp_path, resume=True, seed=99)  # the checkpoint holds the seed
    assert_equal(weights, reference[0])
    assert runner.iter == reference[1].iter


@pytest.mark.slow
def test_checkpoint_within_an_epoch_resumes_at_its_start(config, reference, tmp_path, capsys):
    train(config, tmp_path, kill=5, **by_steps(2))
    weights, runner = train(config, tmp_path, resume=True, **by_steps(2))
    assert 'after iteration 4, which is not the end of an epoch of 3 iterations' in capsys.readouterr().out
    assert runner.iter == runner.max_iters == reference[1].iter
    assert not torch.equal(weights[KEY], reference[0][KEY])


@pytest.mark.slow
@pytest.mark.parametrize(('workers', 'sampler'), [(0, 'InfiniteSampler'), (2, 'DefaultSampler')])
def test_resumed_iterations_end_with_the_same_weights_and_load_the_rest_only(
    config, tmp_path, sampler, workers, monkeypatch
):
    monkeypatch.setattr('time.sleep', lambda seconds: None)  # mmengine waits between two passes
    cfg = iterative(config, **{'train_dataloader.sampler.type': sampler, 'train_dataloader.num_workers': workers})
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    wanted, _ = train(cfg, tmp_path / 'uninterrupted')
    train(cfg, tmp_path / 'killed', kill=7)
    loaded, load = [], LoadFrame.transform
    monkeypatch.setattr(LoadFrame, 'transform', lambda self, results: (loaded.append(1), load(self, results))[1])
    weights, runner = train(cfg, tmp_path / 'killed', resume=True)
    assert_equal(weights, wanted)
    assert workers or len(loaded) == 2 * (runner.max_iters - 6)


@pytest.mark.slow
def test_accumulated_gradients_resume_from_a_step_of_the_optimizer(config, tmp_path):
    cfg = iterative(config, **{'optim_wrapper.accumulative_counts': 2, 'default_hooks.checkpoint.interval': 2})
    wanted, _ = train(cfg, tmp_path / 'uninterrupted')
    train(cfg, tmp_path / 'killed', kill=5)
    assert_equal(train(cfg, tmp_path / 'killed', resume=True)[0], wanted)


@pytest.mark.parametrize('kind', ['epochs', 'iterations'])
def test_checkpoints_between_two_steps_of_the_optimizer_are_refused(config, tmp_path, kind):
    cfg = iterative(config) if kind == 'iterations' else config  # a checkpoint every three iterations
    remedy = 'num_batch_per_epoch=2' if kind == 'epochs' else 'checkpoint.interval to a multiple'
    with pytest.raises(ValueError, match=f'checkpoint.interval is 3 iterations, not a multiple of .*=2.*{remedy}'):
        train(cfg, tmp_path, **{'optim_wrapper.accumulative_counts': 2})


@pytest.mark.slow
def test_shortened_epochs(config, tmp_path):
    changes = {'train_dataloader.num_batch_per_epoch': 2, 'optim_wrapper.accumulative_counts': 2}
    assert train(config, tmp_path, **changes)[1].iter == 4


@pytest.mark.slow
def test_resume_takes_an_older_usable_checkpoint(config, reference, tmp_path, capsys):
    train(config, tmp_path, kill=5)
    newest = tmp_path / 'epoch_2.pth'
    newest.write_bytes((tmp_path / 'epoch_1.pth').read_bytes()[:-1000])
    (tmp_path / 'epoch_3.pth.part').touch()
    (tmp_path / 'last_checkpoint').write_text('')  # as mmengine leaves it if it is killed while writing
    assert_equal(train(config, tmp_path, resume=True)[0], reference[0])
    assert f'{newest} is skipped: the file is truncated' in capsys.readouterr().out
    assert not list(tmp_path.glob('*.part'))


def test_resume_with_unusable_checkpoints_stops_and_keeps_them(config, tmp_path):
    only = tmp_path / 'epoch_1.pth'
    only.write_bytes(b'PK no archive')
    with pytest.raises(ValueError, match=r'epoch_1\.pth is skipped: .*another --work-dir, or leave out --resume'):
        train(config, tmp_path, resume=True)
    assert only.read_bytes() == b'PK no archive'


@pytest.mark.slow
def test_resume_in_an_empty_folder_starts_a_new_training(config, reference, tmp_path):
    assert_equal(train(config, tmp_path, resume=True)[0], reference[0])


def test_damaged_checkpoint_is_named(config, tmp_path):
    path = tmp_path / 'epoch_9.pth'
    torch.save(dict(state_dict={}), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r'epoch_9\.pth cannot be loaded: the file is truncated'):
        train(config, tmp_path, load_from=str(path))


def _kill(*args):
    raise Killed


@pytest.mark.slow
def test_interrupted_validation_runs_on_resume(config, reference, tmp_path, monkeypatch):
    """Killed at the end, after the checkpoint and before the validation: no best checkpoint yet."""
    with monkeypatch.context() as patch:
        patch.setattr('mmengine.runner.ValLoop.run', _kill)
        with pytest.raises(Killed):
            train(config, tmp_path)
    assert not list(tmp_path.glob('best_*'))
    runner = train(config, tmp_path, resume=True)[1]
    assert [p.name for p in tmp_path.glob('best_*')] == ['best_mIoU_epoch_2.pth']
    assert runner.message_hub.get_info('best_score') == reference[1].message_hub.get_info('best_score')


@pytest.mark.slow
def test_of_two_kept_checkpoints_one_is_always_complete(config, tmp_path, monkeypatch):
    put = checkpoint_files.AtomicLocalBackend.put

    def fail(self, obj, filepath):
        if 'epoch_3' in str(filepath):
            raise Killed
        put(self, obj, filepath)

    monkeypatch.setattr(checkpoint_files.AtomicLocalBackend, 'put', fail)
    with pytest.raises(Killed):
        train(config, tmp_path, **{'train_cfg.max_epochs': 3, 'train_cfg.val_interval': 9})
    assert [p.name for p in tmp_path.glob('epoch_*')] == ['epoch_2.pth']
    assert checkpoint_files.find_damage(tmp_path / 'epoch_2.pth') is None


@pytest.mark.parametrize(
    'changes, message',
    [
        # one batch of five images and one of one
        ({'batch_size': 5, 'drop_last': False}, 'more than 1 value per channel.*drop_last=True'),
        ({'batch_size': 8}, 'no batch: this process has 6 samples, train_dataloader.batch_size is 8'),
    ],
)
def test_batch_sizes_that_cannot_be_trained_are_refused(config, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        train(config, tmp_path, **{f'train_dataloader.{key}': value for key, value in changes.items()})


@pytest.mark.slow
def test_former_names_train_the_same(config, reference, tmp_path):
    cfg = copy.deepcopy(config)
    cfg.train_cfg.type = 'ExactEpochBasedTrainLoop'
    cfg.default_hooks.update(
        logger=dict(type='MainProcessLoggerHook', interval=1),
        checkpoint=dict(cfg.default_hooks.checkpoint, type='ExactCheckpointHook'),
        classes=dict(type='CheckpointClassesHook'),
        weights=dict(type='CheckpointWeightsHook'),
        num_classes=dict(type='NumClassesHook'),
        resume_validation=dict(type='ResumeValidationHook'),
    )
    with pytest.warns(FutureWarning, match="'ExactEpochBasedTrainLoop' is deprecated"):
        assert_equal(train(cfg, tmp_path)[0], reference[0])

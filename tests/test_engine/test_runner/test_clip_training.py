"""Training on complete clips: resumed trainings give the same weights, and every batch consists of clips."""

import re
import subprocess
import sys

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmseg.registry import HOOKS, RUNNERS
from tiny_config import ROOT
from trainings import Killed

CONFIG = """
_base_ = {base!r}
own = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(
    batch_size=10, drop_last=False, **own,
    sampler=dict(type='ClipSampler', shuffle=True),
    batch_sampler=dict(type='ClipBatchSampler', drop_last=True),
    dataset=dict(data_root={root!r}, annotated_only=False, indices=60))
val_dataloader = dict(**own, dataset=dict(data_root={root!r}, indices=5))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=2, val_interval=2)
param_scheduler = [dict(_base_.param_scheduler[0], end=2)]
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(by_epoch=False, interval=2, save_best=None))
"""


@HOOKS.register_module(force=True)
class ClipsHook(Hook):
    """Records the clips and frames of every batch."""

    seen: list = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        metas = [sample.metainfo for sample in data_batch['data_samples']]
        self.seen.append([(meta['clip'], meta['frame']) for meta in metas])


@pytest.fixture
def config(tmp_path, mini_avsbench_root):
    base = str(ROOT / 'configs' / 'cavp' / 'cavp_r18_mini-avss.py')
    path = tmp_path / 'clips.py'
    path.write_text(CONFIG.format(base=base, root=str(mini_avsbench_root / 'AVSBench-semantic')))
    return path


def train(config, work_dir, *, kill=None, resume=False):
    """The weights and the batches; None and the batches if the training is killed before step ``kill``."""
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(dict(work_dir=str(work_dir), resume=resume, log_level='WARNING'))
    cfg.experiment_name = f'clips_{work_dir.name}_{kill}_{resume}'
    cfg.custom_hooks = [dict(type='ClipsHook'), *([dict(type='KillHook', step=kill)] if kill else [])]
    ClipsHook.seen.clear()
    runner = RUNNERS.build(cfg)
    if kill is None:
        runner.train()
        return {k: v.clone() for k, v in runner.model.state_dict().items()}, list(ClipsHook.seen)
    with pytest.raises(Killed):
        runner.train()
    return None, list(ClipsHook.seen)


@pytest.mark.slow
def test_resumed_training_on_clips_ends_with_the_same_weights(config, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    weights, batches = train(config, tmp_path / 'whole')
    for batch in batches:
        length = len({frame for _, frame in batch})
        assert len(batch) == 10 and length in (5, 10)
        for start in range(0, 10, length):
            assert len({clip for clip, _ in batch[start : start + length]}) == 1
            assert [frame for _, frame in batch[start : start + length]] == list(range(length))
    steps = len(batches) // 2
    assert len(batches) == 2 * steps == 12 and batches[:steps] != batches[steps:]
    kill = steps + 1  # in the second epoch; checkpoints are of every second step
    train(config, tmp_path / 'killed', kill=kill)
    resumed, left = train(config, tmp_path / 'killed', resume=True)
    assert left == batches[kill - kill % 2 :]
    assert [name for name in weights if not torch.equal(weights[name], resumed[name])] == []
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_two_processes(config, tmp_path):
    """Both train on complete clips, with the same number of steps."""
    command = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2', '--standalone']
    options = ['--launcher', 'pytorch', '--work-dir', str(tmp_path / 'work')]
    options += ['--cfg-options', 'train_cfg.max_epochs=1', 'train_cfg.val_interval=1']
    done = subprocess.run(
        [*command, str(ROOT / 'tools' / 'train.py'), str(config), *options],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(re.findall(r'Epoch\(train\).* loss: \d', done.stdout)) == 3  # six batches
    assert re.search(r'Epoch\(val\).*avsbench_semantic/', done.stdout)

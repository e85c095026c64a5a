from pathlib import Path

import pytest
import torch
from mmengine.model import MMDistributedDataParallel
from processes import run_in_processes

from mmavs.engine.runner.launch import leave_processes

pytestmark = pytest.mark.skipif(not Path('/proc/self/task').is_dir(), reason='threads are found in /proc')


def threads_after_a_step():
    """Names of the threads of a process before and after it leaves the group."""
    model = MMDistributedDataParallel(torch.nn.Linear(2, 1))
    model.train_step = [model]  # a cycle, as a training has many
    torch.nn.parallel.DistributedDataParallel.forward(model, torch.ones(1, 2)).sum().backward()
    before = thread_names()
    del model
    leave_processes()
    return before, thread_names()


def thread_names():
    return [path.read_text().strip() for path in Path('/proc/self/task').glob('*/comm')]


def test_no_thread_of_the_group_is_left(tmp_path):
    """A remaining thread may abort the process when it exits."""
    for before, after in run_in_processes(threads_after_a_step, folder=tmp_path / 'shared'):
        assert any('gloo' in name for name in before)
        assert not any('gloo' in name for name in after)

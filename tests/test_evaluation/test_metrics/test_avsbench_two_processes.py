"""Two processes give the results of one, with clips whose frames are in both."""

import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.registry import DefaultScope
from processes import run_in_processes
from test_avsbench_metrics import CLIPS, evaluate, make_samples


class _Frames(torch.utils.data.Dataset):
    def __len__(self):
        return len(CLIPS)


def evaluate_share():
    """The results of this process and the frames that it evaluated."""
    samples = make_samples()
    own = list(DefaultSampler(_Frames(), shuffle=False))
    with DefaultScope.overwrite_default_scope('mmseg'):
        return evaluate([samples[i] for i in own], total=len(CLIPS)), own


@pytest.mark.slow
def test_two_processes_give_the_results_of_one(tmp_path):
    (first, own), (second, others) = run_in_processes(evaluate_share, folder=tmp_path / 'two')
    assert len(CLIPS) % 2 and set(own) | set(others) == set(range(len(CLIPS))), 'one frame is repeated, and ignored'
    assert any(CLIPS[i] is not None and CLIPS[i] in {CLIPS[j] for j in others} for i in own)
    assert first == second == evaluate(make_samples())

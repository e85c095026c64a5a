import pickle
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmavs.engine.runner.checkpoint_files import load_from_local

ITERS = 4


class _Regression(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 1)

    def forward(self, x, mode='loss'):
        return dict(loss=(self.linear(x) - x.sum(1, keepdim=True)).pow(2).mean())


def _train(work_dir, max_iters, resume_from=None):
    """Train on ITERS fixed batches; the schedule is that of a run of ITERS iterations."""
    torch.manual_seed(0)
    data = [dict(x=row) for row in torch.randn(2 * ITERS, 3)]
    runner = Runner(
        model=_Regression(),
        work_dir=str(work_dir),
        train_dataloader=DataLoader(data, batch_size=2),
        train_cfg=dict(by_epoch=False, max_iters=max_iters),
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.1)),
        param_scheduler=dict(type='PolyLR', power=0.9, by_epoch=False, end=ITERS),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False)),
        custom_hooks=[dict(type='EMAHook')],
        load_from=resume_from and str(resume_from),
        resume=resume_from is not None,
        experiment_name=work_dir.name,
    )
    runner.train()
    return runner


def test_mmengine_checkpoint_resumes_with_the_check_on(tmp_path):
    straight = _train(tmp_path / 'straight', ITERS)
    _train(tmp_path / 'first_half', ITERS // 2)
    resumed = _train(tmp_path / 'resumed', ITERS, resume_from=tmp_path / 'first_half' / f'iter_{ITERS // 2}.pth')

    for name, value in straight.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value), name
    for scalar in ('train/loss', 'train/lr'):
        history = [runner.message_hub.get_scalar(scalar).data[0] for runner in (straight, resumed)]
        assert len(history[0]) == ITERS
        np.testing.assert_array_equal(*history)


@pytest.mark.parametrize('module', ['numpy.core.multiarray', 'numpy._core.multiarray'])
def test_numpy_values_of_numpy_1_and_2_load(tmp_path, module):
    values = dict(
        scalar=np.float64(0.5), floats=np.arange(3, dtype=np.float32), ints=np.arange(4), flags=np.array([True, False])
    )
    torch.save(values, tmp_path / 'here.pth')
    with zipfile.ZipFile(tmp_path / 'here.pth') as here, zipfile.ZipFile(tmp_path / 'there.pth', 'w') as there:
        for entry in here.namelist():
            content = here.read(entry)
            for own in (b'numpy._core.multiarray', b'numpy.core.multiarray'):
                content = content.replace(b'c' + own + b'\n', b'c' + module.encode() + b'\n')
            there.writestr(entry, content)

    loaded = load_from_local(tmp_path / 'there.pth')
    assert loaded.keys() == values.keys()
    for key, value in values.items():
        np.testing.assert_array_equal(loaded[key], value)
        assert loaded[key].dtype == value.dtype


class _PicklesAsAttribute:
    def __init__(self, owner, name):
        self.reference = owner, name

    def __reduce__(self):
        return getattr, self.reference


def test_references_to_other_methods_are_refused(tmp_path):
    path = tmp_path / 'reference.pth'
    for owner, name in [(HistoryBuffer, 'max'), (OneCycleParamScheduler, '_annealing_cos')]:
        torch.save(_PicklesAsAttribute(owner, name), path)
        assert load_from_local(path) is getattr(owner, name)
    for owner, name in [(HistoryBuffer, '__init__'), (np.ndarray, 'max'), ([], 'append')]:
        torch.save(_PicklesAsAttribute(owner, name), path)
        with pytest.raises(pickle.UnpicklingError):
            load_from_local(path)

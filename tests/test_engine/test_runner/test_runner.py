import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmseg.registry import RUNNERS
from tiny_config import write_tiny_config
from torch import nn

from mmavs.engine import AVRunner, FiniteHook, MainProcessLoggerHook
from mmavs.engine.runner.runner import HOOKS_OF_EVERY_RUN


@pytest.mark.parametrize('name', ['file', 'file/below'])
def test_work_dir_that_can_not_be_made_is_named_with_the_remedy(tmp_path, name):
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match=rf'cannot write .*{name}: .*; a file is in the way: .* another --work-dir'):
        AVRunner(nn.Identity(), str(tmp_path / name))


@pytest.fixture
def build(tmp_path, vpo_root):
    def build(**changes):
        cfg = Config.fromfile(write_tiny_config(tmp_path / 'tiny.py', vpo_root))
        cfg.merge_from_dict({'work_dir': str(tmp_path / 'work'), **changes})
        return RUNNERS.build(cfg)

    return build


def test_hooks_of_every_run_are_added_beside_those_of_the_config(build):
    hooks = build(custom_hooks=[dict(type='FiniteHook', interval=7)]).hooks
    names = [type(hook).__name__ for hook in hooks]
    assert all(names.count(name) == 1 for name in HOOKS_OF_EVERY_RUN)
    assert [hook.interval for hook in hooks if isinstance(hook, FiniteHook)] == [7]
    assert any(isinstance(hook, MainProcessLoggerHook) for hook in hooks)
    (checkpoint,) = (hook for hook in hooks if isinstance(hook, CheckpointHook))
    assert checkpoint.backend_args == dict(backend='atomic_local')


def test_test_needs_all_weights_and_a_training_does_not(build, tmp_path):
    runner = build()
    weights = {key: value for key, value in runner.model.state_dict().items() if 'conv_seg' not in key}
    torch.save(dict(state_dict=weights), tmp_path / 'part.pth')
    runner = build(load_from=str(tmp_path / 'part.pth'))
    runner.load_or_resume()  # as a training does
    with pytest.raises(ValueError, match=r'part\.pth does not fit the model.*conv_seg.*num_classes'):
        build(load_from=str(tmp_path / 'part.pth')).test()

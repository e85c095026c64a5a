"""Compiled trainings, with a compiler that only counts graphs: no C++ compiler is needed."""

import copy

import pytest
import torch
from av_model import make_batch
from mmengine.config import Config
from mmseg.registry import MODELS
from tiny_config import write_tiny_config
from trainings import assert_equal, train

from mmavs.engine.runner.compiling import compile_parts

pytestmark = pytest.mark.usefixtures('one_thread')
PARTS = [
    *('backbone.forward', 'neck.forward', 'audio_backbone.forward'),
    *('fusion.encode', 'fusion.fuse', 'decode_head.forward'),
]


class CountingCompiler:
    """Counts the graphs and runs them without compiling them."""

    def __init__(self):
        self.graphs = 0

    def __call__(self, graph, inputs):
        self.graphs += 1
        return graph.forward


@pytest.fixture
def compiler():
    torch.compiler.reset()
    yield CountingCompiler()
    torch.compiler.reset()


@pytest.fixture(scope='module')
def config(tmp_path_factory, vpo_root):
    return Config.fromfile(write_tiny_config(tmp_path_factory.mktemp('compiling') / 'tiny.py', vpo_root))


def loss(model, batch):
    torch.manual_seed(1)
    return model.parse_losses(model(**batch, mode='loss'))[0]


@pytest.mark.parametrize('amp', [False, True])
def test_each_part_is_one_graph_that_later_steps_reuse(config, compiler, amp):
    plain = MODELS.build(config.model).train()
    model = copy.deepcopy(plain)
    assert compile_parts(model, backend=compiler) == PARTS
    batches = [make_batch(model, training=True) for _ in range(3)]
    batches[1]['data_samples'][0].gt_sem_seg.data[:] = 0  # fewer pixels to contrast
    with torch.autocast('cpu', torch.bfloat16, enabled=amp):
        for batch in batches:
            assert loss(model, batch) == loss(plain, batch)
    assert compiler.graphs == len(PARTS)


def test_other_sizes_in_tests_are_not_compiled(config, compiler):
    plain = MODELS.build(config.model).eval()
    model = copy.deepcopy(plain)
    compile_parts(model, backend=compiler)
    assert model.state_dict().keys() == plain.state_dict().keys()
    for size in ((32, 48), (40, 32)):
        batch = make_batch(model, size=size)
        assert torch.equal(model(batch['inputs'], mode='tensor'), plain(batch['inputs'], mode='tensor'))
    assert compiler.graphs == 0


def test_copy_of_a_compiled_model_uses_its_own_weights(config, compiler):
    """As `EMAHook` copies it, before and after the first step."""
    model = MODELS.build(config.model).train()
    compile_parts(model, backend=compiler)
    batch = make_batch(model, training=True)
    for _ in range(2):
        copied = copy.deepcopy(model)
        before = loss(model, batch)
        with torch.no_grad():
            for parameter in copied.parameters():
                parameter.zero_()
        assert loss(copied, batch) != before == loss(model, batch)
        assert not copied.eval()(batch['inputs'], mode='tensor').any()


@pytest.mark.slow
def test_compiled_training_ends_with_the_same_weights(config, tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, 'compile', lambda f, backend: compiled.append(backend) or f)
    wanted, _ = train(config, tmp_path / 'plain')
    assert compiled == []
    found, _ = train(config, tmp_path / 'compiled', compile=dict(backend='eager'))
    assert compiled == ['eager'] * len(PARTS)
    assert_equal(found, wanted)


def test_compile_must_be_a_bool_or_options(config, tmp_path):
    with pytest.raises(TypeError, match='compile must be True, False or a dict'):
        train(config, tmp_path, compile='inductor')

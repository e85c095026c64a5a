"""The models on a simulated CUDA device: the results of the CPU, no float64, and few calls for which the host waits."""

import copy
import sys
from pathlib import Path

import pytest
import torch
from av_model import make_batch, without_downloads
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from shipped_configs import load
from simulated_cuda import CudaTensor, simulated_cuda, to_simulated

sys.path.insert(0, str(Path(__file__).parent / 'test_segmentors'))
import test_baselines as baselines  # noqa: E402

SIZE = (64, 64)
CROSS_ENTROPY = 'mmseg/models/losses/cross_entropy_loss.py'
ATTENTION = 'mmcv/ops/multi_scale_deform_attn.py'
DRAW = ('aten::_to_copy', 'mmavs/models/losses/label_groups.py:_count')
# The calls of a training step for which the host waits -> how often at most, and the reason.
WAITS = {
    DRAW: (1, 'the numbers of pixels of each class decide how many are drawn'),
    ('aten::index.Tensor', 'mmseg/models/losses/accuracy.py:accuracy'): (
        4,
        'mmseg leaves ignored pixels out of the accuracy by boolean indexing, twice for each head',
    ),
    ('aten::_local_scalar_dense', f'{CROSS_ENTROPY}:cross_entropy'): (
        2,
        'mmseg reads the number of pixels that are not ignored (avg_non_ignore), once for each head',
    ),
    ('aten::_to_copy', f'{CROSS_ENTROPY}:forward'): (1, 'mmseg copies class_weight to the device in each step'),
    ('aten::_local_scalar_dense', f'{CROSS_ENTROPY}:binary_cross_entropy'): (2, 'as in cross_entropy'),
    ('aten::index.Tensor', f'{CROSS_ENTROPY}:binary_cross_entropy'): (1, 'boolean indexing of mmseg'),
    ('aten::_local_scalar_dense', f'{ATTENTION}:forward'): (12, 'mmcv checks sizes, once for each encoder layer'),
    ('aten::_local_scalar_dense', f'{ATTENTION}:multi_scale_deformable_attn_pytorch'): (
        999,
        'mmcv-lite reads sizes; the compiled operation of mmcv does not',
    ),
}


def of_config(name, **changes):
    cfg = load(name)
    cfg.merge_from_dict({f'model.{key}': value for key, value in changes.items()})
    model = without_downloads(cfg.model.to_dict())
    model['data_preprocessor'].update(size=SIZE)
    return MODELS.build(ConfigDict(model))


CAVP = 'cavp/cavp_r18_mini.py'
CASES = {
    'cavp': lambda: of_config(CAVP),
    'cavp-strict': lambda: of_config(CAVP, contrast_loss=dict(strict_sets=True, positive_share=0.5)),
    'cavp-coordinates': lambda: of_config(CAVP, fusion=dict(coordinates='image', activation='minmax')),
    'tpavi': lambda: baselines.build('tpavi', 'ms3'),
    'tpavi-avss': lambda: baselines.build('tpavi', 'vpo'),
    'avsegformer': lambda: baselines.build('avsegformer', 's4'),
    'avsegformer-vpo': lambda: baselines.build('avsegformer', 'vpo'),
    **{
        name: lambda name=name: of_config(f'other_models/{name}_mini.py')
        for name in ('segformer_mit-b0', 'deeplabv3plus_r18-d8', 'swin-tiny_upernet', 'fcn_hr18s')
    },
}


@pytest.fixture(scope='module', params=CASES)
def model(request):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmseg'):
        return CASES[request.param]()


def run(model):
    """Losses and logits of a batch."""
    channels = next(m for m in model.audio_backbone.modules() if isinstance(m, torch.nn.Conv2d)).in_channels
    torch.manual_seed(0)
    batch = make_batch(model, count=2, size=SIZE, training=True, channels=channels)
    losses = model.train()(**batch, mode='loss')
    with torch.no_grad():
        samples = model.eval()(**batch, mode='predict')
    return losses, [sample.seg_logits.data for sample in samples]


def test_equal_to_the_cpu_with_few_waits(model):
    """A tensor left on the CPU raises an error in the simulation."""
    losses, logits = run(copy.deepcopy(model))
    with simulated_cuda() as device:
        simulated_losses, simulated_logits = run(to_simulated(copy.deepcopy(model)))
    assert losses.keys() == simulated_losses.keys()
    for name, loss in losses.items():
        assert simulated_losses[name].device.type == 'cuda'
        torch.testing.assert_close(simulated_losses[name].value, loss.detach())
    for found, wanted in zip(simulated_logits, logits, strict=True):
        torch.testing.assert_close(found.value, wanted, rtol=1e-4, atol=1e-4 * wanted.abs().max().item())
    assert not device.float64
    assert {call: count for call, count in device.waits.items() if count > WAITS.get(call, (0,))[0]} == {}
    assert device.waits[DRAW] == (model.contrast_loss is not None)


def test_mixed_precision(monkeypatch):
    torch.manual_seed(0)
    model = CASES['cavp']()
    losses, _ = run(copy.deepcopy(model))
    # torch.autocast would disable itself where there is no GPU.
    monkeypatch.setattr('torch.cuda.amp.common.amp_definitely_not_available', lambda: False)
    monkeypatch.setattr('torch.cuda.is_bf16_supported', lambda *args, **kwargs: True)
    dtypes = []
    model.backbone.register_forward_hook(lambda module, inputs, outputs: dtypes.extend(x.dtype for x in outputs))
    with simulated_cuda() as device, torch.autocast('cuda', dtype=torch.bfloat16):
        simulated, logits = run(to_simulated(model))
    assert set(dtypes) == {torch.bfloat16}
    assert logits[0].dtype == torch.float32 and device.waits[DRAW] == 1
    for name in ('decode.loss_ce', 'loss_contrast'):
        torch.testing.assert_close(simulated[name].value, losses[name].detach(), rtol=0.05, atol=0)


@pytest.fixture
def pair():
    with simulated_cuda() as device:
        yield device, CudaTensor(torch.arange(4.0))


def test_simulation_refuses_cpu_tensors_among_cuda_tensors(pair):
    _, x = pair
    with pytest.raises(RuntimeError, match='tensors on cuda:0 and cpu'):
        x + torch.ones(4)
    assert torch.equal((x + torch.tensor(1.0)).value, torch.arange(4.0) + 1)
    with pytest.raises(RuntimeError, match='numpy'):
        x.numpy()


@pytest.mark.parametrize(
    'call',
    [
        lambda x: x.sum().item(),
        lambda x: x.tolist(),
        lambda x: bool(x.sum() > 0),
        lambda x: x.nonzero(),
        lambda x: x[x > 1],
        lambda x: x[[0, 1]],
        lambda x: x.unique(),
        lambda x: x.cpu(),
        lambda x: torch.tensor([1.0, 2.0], device=x.device),
        lambda x: torch.ones(3).to(x.device),
    ],
)
def test_simulation_counts_waits(pair, call):
    device, x = pair
    call(x)
    assert sum(device.waits.values()) == 1


def test_simulation_counts_no_other_calls(pair):
    device, x = pair
    y = torch.ones(4).to(x.device, non_blocking=True) + torch.zeros(4, device=x.device)
    y[1:3].mul_(x[1:3])
    assert torch.equal(y.value, torch.tensor([1.0, 1.0, 2.0, 1.0]))
    assert not device.waits and not device.float64
    x.double()
    assert device.float64

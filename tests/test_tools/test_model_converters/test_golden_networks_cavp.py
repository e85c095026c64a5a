"""Whole networks with synthetic weights, sent through the converter as a released checkpoint is, against the outputs of
the reference: the loss of one flag, such as the output stride, shows here."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from cavp2mmavs import convert
from golden_weights import synthetic_weights
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import load_checkpoint
from mmseg.registry import MODELS
from torch.nn.modules.batchnorm import _BatchNorm

from mmavs.models import fold_batch_norm

CONFIGS = dict(vpo_stereo_r50='cavp_r50-released_vpo-msmi', avss_r50='cavp_r50-released_avss')


class Golden(NamedTuple):
    """A converted network, the recorded inputs and outputs, and its outputs for these inputs."""

    name: str
    model: torch.nn.Module
    recorded: dict
    found: dict


def build(path):
    """The model that the checkpoint itself describes, with its weights."""
    checkpoint = torch.load(path, weights_only=True)
    model = MODELS.build(Config.fromstring(checkpoint['meta']['cfg'], file_format='.py').model)
    load_checkpoint(model, str(path), strict=True)
    return model.eval()


@torch.no_grad()
def run(model, recorded):
    inputs = dict(img=recorded['image'], audio=recorded['log_mel'])
    audio = model.audio_backbone(inputs['audio'])
    fused = model.fusion(model.extract_feat(inputs['img']), audio)[0]
    (result,) = model.predict(inputs)
    return dict(audio_embedding=audio, fused=fused, logits=result.seg_logits.data[None])


@pytest.fixture(scope='module', params=CONFIGS)
def golden(request, golden_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    weights = synthetic_weights(golden_file, request.param)
    torch.save({f'module.{name}': value for name, value in weights.items()}, folder / 'released.pth')
    with DefaultScope.overwrite_default_scope('mmseg'):
        path = convert(folder / 'released.pth', folder)
        assert path.name.startswith(CONFIGS[request.param] + '-')
        model = build(path)
        recorded = {k: torch.from_numpy(v) for k, v in np.load(golden_file(f'model_{request.param}.npz')).items()}
        golden = Golden(request.param, model, recorded, run(model, recorded))
    for file in folder.iterdir():
        file.unlink()  # hundreds of megabytes
    return golden


def agreement(a, b):
    return (a.argmax(dim=1) == b.argmax(dim=1)).float().mean().item()


def largest_error(found, expected):
    """In standard deviations of what is expected."""
    expected = expected.float().flatten()
    return ((found.float().flatten() - expected).abs().max() / expected.std()).item()


def test_golden_network_fp32(golden):
    assert largest_error(golden.found['logits'], golden.recorded['logits']) < 1e-3
    assert largest_error(golden.found['audio_embedding'], golden.recorded['audio_embedding']) < 1e-3
    assert largest_error(golden.found['fused'], golden.recorded['fused']) < 4e-3  # recorded in half precision
    assert agreement(golden.found['logits'], golden.recorded['logits']) > 0.999


def test_golden_network_bf16(golden):
    with torch.autocast('cpu', torch.bfloat16):
        found = run(golden.model, golden.recorded)
    assert largest_error(found['logits'], golden.recorded['logits']) < 5e-2


def test_golden_network_with_batch_norm_folded(golden):
    """The last test of this network, which it changes."""
    assert any(isinstance(module, _BatchNorm) for module in golden.model.modules())
    found = run(fold_batch_norm(golden.model), golden.recorded)
    assert not any(isinstance(module, _BatchNorm) for module in golden.model.modules())
    assert largest_error(found['logits'], golden.recorded['logits']) < 1e-3

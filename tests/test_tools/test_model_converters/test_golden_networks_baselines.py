"""Whole networks of TPAVI and AVSegFormer with synthetic weights against recorded outputs of the references."""

import numpy as np
import pytest
import torch
from conversion import avsegformer, tpavi
from conversion.renaming import check_complete
from golden_weights import synthetic_weights
from mmengine.config import Config
from mmseg.registry import MODELS
from shipped_configs import CONFIGS

from mmavs.models import fold_batch_norm

BINARY = dict(num_classes=2, out_channels=1, threshold=0.5)


def build(base, weights, conversion):
    """The model of a base config with one output, with converted weights; those of the audio network are random."""
    cfg = Config.fromfile(CONFIGS / '_base_' / 'models' / f'{base}.py').model
    cfg.backbone.init_cfg = None
    cfg.decode_head.update(BINARY)
    model = MODELS.build(cfg).eval()
    state_dict, dropped = conversion.rename(weights)
    audio = {f'audio_backbone.{key}': value for key, value in model.audio_backbone.state_dict().items()}
    check_complete({**state_dict, **audio}, model, conversion.RENAMING, base)
    model.load_state_dict({**state_dict, **audio}, strict=True)
    assert len(state_dict) + len(dropped) == len(weights)
    return model


@torch.no_grad()
def predict(model, recorded, **prompts):
    images = recorded['image']
    metas = [dict(img_shape=tuple(images.shape[2:]))] * len(images)
    return model.inference(images, metas, dict(audio=recorded['audio_feature'], **prompts))


def largest_error(found, expected):
    """In standard deviations of what is expected."""
    return ((found - expected).abs().max() / expected.std()).item()


@pytest.fixture(scope='module')
def golden(golden_file):
    def load(name):
        recorded = {k: torch.from_numpy(v) for k, v in np.load(golden_file(f'model_{name}.npz')).items()}
        return synthetic_weights(golden_file, name), recorded

    return load


def test_golden_network_tpavi(golden):
    weights, recorded = golden('tpavi_r50_s4')
    model = build('tpavi_r50', weights, tpavi)
    logits = predict(model, recorded, frames=5)
    assert largest_error(logits, recorded['logits']) < 1e-3
    assert largest_error(predict(model, recorded, frames=1), logits) > 1e-3, 'frames of a clip share their audio'
    fold_batch_norm(model)
    assert largest_error(predict(model, recorded, frames=5), recorded['logits']) < 1e-3


def test_golden_network_avsegformer(golden):
    weights, recorded = golden('avsegformer_r50_s4')
    model = build('avsegformer_r50', weights, avsegformer)
    assert largest_error(predict(model, recorded), recorded['logits']) < 1e-3
    one = {key: value[:1] for key, value in recorded.items()}
    assert largest_error(predict(model, one), recorded['logits'][:1]) < 1e-3

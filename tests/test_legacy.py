"""A config, weights and optimizer settings recorded at the version before the registered names changed.

`legacy_keys.json` and the weights follow the recipe of the other golden networks (`golden_weights.py`), with no salt.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from av_model import without_downloads
from golden_weights import draw_weight
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

TESTS = Path(__file__).resolve().parent
GOLDEN = TESTS / 'golden'


@pytest.fixture(scope='module')
def config():
    return Config.fromstring((GOLDEN / 'legacy_config.txt').read_text(), file_format='.py')


def test_golden_legacy_config_and_weights_predict_the_same(config):
    shapes = json.loads((GOLDEN / 'legacy_keys.json').read_text())
    config.model.channels_last = False  # which a CPU takes no longer with so few channels; equal but for rounding
    model = MODELS.build(config.model).eval()
    model.load_state_dict({key: torch.from_numpy(draw_weight('', key, shape)) for key, shape in shapes.items()})
    rng = np.random.default_rng(0)
    image = rng.integers(256, size=(2, 3, 32, 48), dtype=np.uint8)
    audio = (0.3 * rng.standard_normal((2, 2, 48000))).astype(np.float32)
    data = dict(
        inputs=dict(img=list(map(torch.from_numpy, image)), audio=list(map(torch.from_numpy, audio))),
        data_samples=[SegDataSample(metainfo=dict(img_shape=(32, 48), ori_shape=(32, 48))) for _ in image],
    )
    with torch.no_grad():
        found = torch.stack([result.seg_logits.data for result in model.test_step(data)])
    with np.load(GOLDEN / 'legacy_logits.npz') as file:
        torch.testing.assert_close(found, torch.from_numpy(file['logits']), rtol=0, atol=1e-4)


OPTIMIZERS = {
    'cavp_r50_vpo-msmi': 'cavp/cavp_r50_vpo-msmi.py',
    'segformer_mit-b0_mini': 'other_models/segformer_mit-b0_mini.py',
}


@pytest.mark.parametrize('name', OPTIMIZERS)
def test_golden_legacy_optimizer_settings_of_each_parameter(name):
    cfg = Config.fromfile(TESTS.parent / 'configs' / OPTIMIZERS[name])
    model = MODELS.build(without_downloads(cfg.model.to_dict()))
    names = {id(parameter): key for key, parameter in model.named_parameters()}
    found = {
        names[id(parameter)]: {key: group[key] for key in group if key not in ('params', 'name')}
        for group in build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
        for parameter in group['params']
    }
    recorded = json.loads((GOLDEN / 'legacy_optimizer_settings.json').read_text())[name]
    wanted = {parameter: group['settings'] for group in recorded for parameter in group['parameters']}
    assert found.keys() == wanted.keys()
    for key, settings in wanted.items():
        # Other versions of torch add settings of their own, at their defaults.
        assert {k: json.loads(json.dumps(found[key][k])) for k in settings.keys() & found[key].keys()} == {
            k: settings[k] for k in settings.keys() & found[key].keys()
        }, key
        assert {'lr', 'weight_decay'} <= found[key].keys()

"""The models of configs/ablations, narrowed: losses, gradients and predictions of each, and what sets each apart."""

import json

import pytest
import torch
from av_model import (
    check_loss_and_gradients,
    check_predictions,
    make_batch,
    sharpen,
    without_downloads,
)
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from shipped_configs import LEAVES, load

ABLATIONS = {
    f'{path.stem.split("_")[0]}_{path.stem.split("_")[-1]}': path
    for path in LEAVES
    if path.parent.name == 'ablations' and not path.stem.endswith('_mini') and 'audio_backbone' in load(path).model
}
"""``row_dataset-size`` -> config, of all models with audio."""
SIZE, WIDTH = (32, 48), 16


def narrow(cfg):
    """The same parts with few channels; VGGish, which has one width, is replaced by a ResNet."""
    model = without_downloads(cfg.model.to_dict())
    model['data_preprocessor'].update(size=SIZE)
    model['backbone'].update(
        depth=18, stem_channels=8, base_channels=8, multi_grid=None, contract_dilation=False, norm_cfg=dict(type='BN')
    )
    model['neck'].update(in_channels=(8, 64), channels=12, low_level_channels=4, dilations=(1, 2))
    audio = model['audio_backbone']
    model['audio_backbone'] = dict(
        type='AudioResNet',
        in_channels=audio.get('in_channels', 1),
        base_channels=8,
        out_channels=WIDTH,
        num_tokens=audio.get('num_tokens', 1),
    )
    fusion = model['fusion']
    if fusion['type'] == 'TPAVIFusion':
        fusion.update(in_channels=(WIDTH,), audio_channels=WIDTH)
    else:
        fusion.update(in_channels=WIDTH, audio_channels=WIDTH, hidden_channels=WIDTH, mlp_ratio=1.0)
    model['decode_head'].update(in_channels=WIDTH, channels=8, num_classes=4)
    return model


def distinct_models():
    """A config for each model; data and the share of positive samples make no other model."""
    found = {}
    for name, path in ABLATIONS.items():
        model = narrow(load(path))
        if model['contrast_loss']:
            model['contrast_loss']['positive_share'] = None
        found.setdefault(json.dumps([model['fusion'], model['audio_backbone'], model['contrast_loss']]), name)
    return list(found.values())


@pytest.fixture(scope='module', params=distinct_models())
def case(request):
    cfg = load(ABLATIONS[request.param])
    with DefaultScope.overwrite_default_scope('mmseg'), torch.random.fork_rng():
        torch.manual_seed(0)
        return cfg, sharpen(MODELS.build(ConfigDict(narrow(cfg))))  # TPAVI's block starts without audio


@pytest.fixture
def batch(case):
    cfg, model = case
    model.data_preprocessor.num_frames = 160
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return make_batch(model, count=2, size=SIZE, channels=cfg.load_audio.channels)


def test_losses_gradients_and_predictions(case, batch):
    cfg, model = case
    losses = check_loss_and_gradients(model, batch)
    assert ('loss_contrast' in losses) == (cfg.model.contrast_loss is not None)
    check_predictions(model, batch, (50, 71))


def test_audio_matters_and_images_are_independent(case, batch):
    """The fused features change with the audio of an image, and with nothing else of the batch."""
    _, model = case
    model.eval()
    audio = batch['inputs']['audio']
    with torch.no_grad():
        features = [torch.randn(2, WIDTH, 8, 12)]  # the neck of an untrained network gives nearly equal pixels
        before, after = (model.fusion(features, model.audio_backbone(x))[0] for x in (audio, audio - 1))
        mixed = torch.cat([audio[:1], audio[1:] - 1])
        one = model.fusion(features, model.audio_backbone(mixed))[0]
    assert (after - before).flatten(1).norm(dim=1).min() > 1e-3
    torch.testing.assert_close(one, torch.cat([before[:1], after[1:]]))


def test_one_audio_token_under_softmax_has_constant_weights():
    """So that the first row of Figure 6 is the value of the audio, added to every pixel alike."""
    softmax = load(ABLATIONS['softmax_avss-512x512'])
    with DefaultScope.overwrite_default_scope('mmseg'):
        attention = MODELS.build(ConfigDict(narrow(softmax)['fusion'])).attentions[0]
        several = MODELS.build(ConfigDict(narrow(load(ABLATIONS['audio-tokens-5-softmax_vpo-msmi-512x512']))['fusion']))
    visual, tokens = torch.randn(2, 6, WIDTH), torch.randn(2, 5, WIDTH)
    one = attention.attention(attention.encode(visual), attention.fold(tokens[:, :1]))
    assert torch.equal(one, torch.ones_like(one))
    five = several.attentions[0]
    weights = five.attention(five.encode(visual), five.fold(tokens))
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, 4, 6))
    assert weights.std(dim=-1).max() > 0

"""Losses, gradients and predictions of the models of the configs, on small images, without pretrained weights."""

import copy
import json
from unittest import mock

import pytest
import torch
from av_model import (
    check_audio_matters,
    check_images_are_independent,
    check_loss_and_gradients,
    check_predictions,
    logits,
    make_batch,
    sharpen,
    without_downloads,
)
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from shipped_configs import LEAVES, heads_of, load

from mmavs.models.fusion.window import Window

SIZE = (64, 64)
SLIDE = dict(mode='slide', crop_size=(64, 48), stride=(64, 16))


def distinct_models():
    """A config for each architecture; depth, classes, audio channels and image size make no other architecture."""
    found = {}
    for path in LEAVES:
        # narrow ones: test_segmentors/test_baselines.py and test_ablation_models.py
        if path.parent.name in ('tpavi', 'avsegformer', 'ablations'):
            continue
        model = load(path).model.to_dict()
        kind = without_downloads(copy.deepcopy(model))
        del kind['data_preprocessor']['size']
        for head in heads_of(kind):
            del head['num_classes']
            head['loss_decode'].pop('class_weight', None)
        kind['audio_backbone'].pop('in_channels', None)
        kind['backbone'].pop('depth', None)
        key = json.dumps(kind, sort_keys=True)
        if key not in found or size_of(model) < size_of(found[key].values[0]):
            found[key] = pytest.param(model, id=path.stem)
    return list(found.values())


def size_of(model):
    return model['backbone'].get('depth', 0), heads_of(model)[0]['num_classes']


def shrink(cfg):
    """Smaller versions of the largest backbones."""
    backbone = cfg['backbone']
    if backbone.get('model_name') == 'pvt_v2_b5':
        backbone['model_name'] = 'pvt_v2_b0'
        cfg['neck']['in_channels'] = (32, 256)
    elif backbone['type'] == 'HRNet':
        for stage in backbone['extra'].values():
            stage.update(num_modules=1, num_blocks=(1,) * len(stage['num_blocks']))
    return cfg


@pytest.fixture(scope='module', params=distinct_models())
def model(request):
    cfg = shrink(without_downloads(request.param))
    if cfg['backbone']['type'] == 'TIMMBackbone':
        pytest.importorskip('timm')
    cfg['data_preprocessor'].update(size=SIZE, num_frames=32)
    if cfg['audio_backbone']['type'] == 'VGGish':
        cfg['audio_backbone']['frames'] = 32
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(ConfigDict(cfg))


@pytest.fixture
def batch(model):
    return batch_of(model, SIZE)


def batch_of(model, size):
    channels = next(m for m in model.audio_backbone.modules() if isinstance(m, torch.nn.Conv2d)).in_channels
    return make_batch(model, count=2, size=size, channels=channels)


def test_loss_and_gradients(model, batch):
    check_loss_and_gradients(model, batch)


def test_predictions(model, batch):
    check_predictions(model, batch, (50, 71))


def test_audio_matters_and_images_are_independent(model, batch):
    sharpen(model)
    check_audio_matters(model, batch)
    check_images_are_independent(model, batch)


def test_slide_inference(model, batch):
    """Each crop is fused with the audio of its image, at its own coordinates; overlapping logits are averaged."""
    left, right = (crop_logits(model, batch, columns) for columns in (slice(0, 48), slice(16, 64)))
    expected = torch.cat([left[..., :16], (left[..., 16:] + right[..., :32]) / 2, right[..., 32:]], dim=-1)
    with mock.patch.dict(model.test_cfg, SLIDE):
        found = logits(model, batch)
    expected = expected.sigmoid() if model.out_channels == 1 else expected
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5 * max(1.0, expected.abs().max().item()))


@pytest.mark.parametrize(
    ('test_cfg', 'sizes'), [({}, [(1, 1), (3, 5), (1, 100)]), (SLIDE, [(1, 1), (1, 70)])], ids=['whole', 'slide']
)
def test_tiny_images(model, sizes, test_cfg):
    with mock.patch.dict(model.test_cfg, test_cfg):
        for size in sizes:
            batch = batch_of(model, size)
            check_predictions(model, batch, size)
            assert logits(model, batch).isfinite().all(), size


def crop_logits(model, batch, columns):
    """The logits of some columns of the images, with their coordinates in the image."""
    images = batch['inputs']['img'][..., columns]
    window = Window(left=columns.start / SIZE[1], right=columns.stop / SIZE[1])
    with torch.no_grad():
        prompts = model.encode_prompts(batch['inputs'])
        return model.encode_decode(images, [dict(img_shape=images.shape[2:])] * len(images), prompts, window)

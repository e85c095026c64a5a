"""TPAVI and AVSegFormer of the configs with fewer channels: losses, gradients and predictions of clips."""

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
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from shipped_configs import CONFIGS, load
from torch import nn

SIZE = (64, 64)
FRAMES = dict(s4=5, ms3=5, avss=10, vpo=1)
NARROW = dict(
    tpavi=dict(
        neck=dict(in_channels=(16, 32, 64, 128), out_channels=16),
        fusion=dict(in_channels=(16,) * 4),
        decode_head=dict(in_channels=(16,) * 4, channels=16),
    ),
    avsegformer=dict(
        fusion=dict(in_channels=(16, 32, 64, 128), channels=16, num_queries=7, ffn_channels=32, num_groups=4),
        decode_head=dict(in_channels=(16, 7), channels=16, hidden_channels=16),
    ),
)
LOSSES = dict(
    tpavi=dict(
        s4={'loss_ce'},
        ms3={'loss_ce', 'loss_matching'},
        avss={'loss_ce', 'loss_matching'},
        vpo={'loss_ce', 'loss_matching'},
    ),
    avsegformer=dict(
        s4={'loss_dice', 'loss_mask'},
        ms3={'loss_dice', 'loss_mask'},
        avss={'loss_ce', 'loss_mask'},
        vpo={'loss_ce', 'loss_mask'},
    ),
)
OUTPUTS = dict(s4=1, ms3=1, avss=71, vpo=22)


def build(method, data, backbone='r50'):
    """The model of a config with a small backbone and a small audio network, which is trained."""
    paths = (CONFIGS / method).glob(f'{method}_{backbone}_*{data}*.py')
    cfg = load(next(path for path in paths if data != 'vpo' or '-msmi-' in path.name))
    cfg.merge_from_dict(dict(model=NARROW[method]))
    if backbone == 'r50':
        cfg.model.backbone.update(depth=18, base_channels=16, stem_channels=16)
    else:
        cfg.model.backbone.model_name = 'pvt_v2_b0'
        cfg.model['neck' if method == 'tpavi' else 'fusion'].in_channels = (32, 64, 160, 256)
    channels = cfg.load_audio.channels
    cfg.model.audio_backbone = dict(type='AudioResNet', in_channels=channels, base_channels=8, out_channels=128)
    cfg.model.data_preprocessor.size = SIZE
    with DefaultScope.overwrite_default_scope('mmseg'):
        return enlarge(MODELS.build(without_downloads(cfg.model.to_dict())))


def enlarge(model):
    """Enlarges the weights after the backbones, since with the initial ones audio changes the logits by only 1e-7."""
    for part in filter(None, (model.neck if model.with_neck else None, model.fusion, model.decode_head)):
        for name, weight in part.named_parameters():
            if weight.ndim > 1 and 'sampling_offsets' not in name:
                nn.init.normal_(weight, std=2 / weight[0].numel() ** 0.5)
    return sharpen(model)


def batch_of(model, frames, clips=1):
    batch = make_batch(model, count=max(2, frames * clips), size=SIZE, channels=model.audio_backbone.in_channels)
    for i, sample in enumerate(batch['data_samples']):
        if frames > 1:
            sample.set_metainfo(dict(clip=f'clip {i // frames}', frame=i % frames))
    return batch


@pytest.fixture(scope='module', params=[(m, d) for m in NARROW for d in FRAMES], ids=lambda p: '-'.join(p))
def case(request):
    torch.manual_seed(0)
    return *request.param, build(*request.param)


def test_losses_and_gradients_of_clips(case):
    method, data, model = case
    batch = batch_of(model, FRAMES[data], clips=2 if data == 's4' else 1)
    for sample in batch['data_samples']:
        if data == 's4' and sample.frame > 0:
            sample.gt_sem_seg.data[:] = 255
    losses = check_loss_and_gradients(model, batch)
    assert {name for name in losses if name.startswith('decode.loss')} == {f'decode.{n}' for n in LOSSES[method][data]}


@pytest.mark.parametrize('method', NARROW)
def test_pyramid_vision_transformer(method):
    pytest.importorskip('timm')
    model = build(method, 's4', 'pvtv2-b5')
    batch = batch_of(model, 5)
    check_loss_and_gradients(model, batch)
    check_predictions(model, batch, (50, 71))
    check_audio_matters(model, batch)


def test_predictions_of_clips(case):
    _, data, model = case
    assert model.out_channels == OUTPUTS[data]
    batch = batch_of(model, FRAMES[data])
    check_predictions(model, batch, (50, 71))
    check_audio_matters(model, batch)


def test_audio_of_other_frames(case):
    """TPAVI fuses each frame with the audio of all frames of its clip, AVSegFormer with its own audio alone."""
    method, data, model = case
    if data == 'vpo':
        check_images_are_independent(model, batch_of(model, 1))
        return
    batch = batch_of(model, FRAMES[data])
    before, audio = logits(model, batch), batch['inputs']['audio'].clone()
    audio[-1] -= 1
    changed = (logits(model, batch, audio=audio) - before).flatten(1).abs().amax(1)
    changed /= before.abs().max()
    assert changed[-1] > 1e-3
    assert (changed[0] > 1e-5) == (method == 'tpavi')


def test_incomplete_clips_are_refused():
    model = build('tpavi', 'ms3')
    batch = batch_of(model, 5)
    batch['data_samples'][3].set_metainfo(dict(clip='another'))
    with pytest.raises(ValueError, match='complete clips of one length'):
        model(**batch, mode='loss')

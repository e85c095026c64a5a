import copy

import pytest
import torch
from av_model import make_batch, sharpen
from mmengine.config import ConfigDict
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from test_segmentors.test_av_encoder_decoder import MODEL_CFGS
from torch import nn

from mmavs.models.attention_maps import SILENCE, attention_maps


class GatedFusion(BaseModule):
    """A fusion without attention: the audio multiplies the channels."""

    in_index = (3,)

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(10, 64)

    def encode(self, features):
        return tuple(features)

    def fuse(self, visual, audio):
        return (*visual[:3], visual[3] * self.gate(audio)[:, :, None, None])


def build(name):
    return sharpen(MODELS.build(ConfigDict(copy.deepcopy(MODEL_CFGS[name])))).eval()


@pytest.mark.parametrize('name, levels', [('cavp', [0]), ('two levels, auxiliary head', [2, 3])])
def test_maps_of_each_fused_level_and_head(name, levels):
    model = build(name)
    batch = make_batch(model)
    maps = attention_maps(model, **batch)
    assert [entry.level for entry in maps] == levels
    for entry in maps:
        assert entry.is_attention and entry.heads.shape[:2] == (3, 2)
        assert entry.heads.min() >= 0 and entry.heads.max() <= 1
    changed = {**batch['inputs'], 'audio': batch['inputs']['audio'] - 1}
    assert (attention_maps(model, changed, batch['data_samples'])[0].heads - maps[0].heads).abs().max() > 1e-4


def test_padding_is_cut_off():
    model = build('cavp')
    batch = make_batch(model, size=(32, 48))
    full = attention_maps(model, **batch)[0].heads
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(img_shape=(16, 36)))
    cut = attention_maps(model, **batch)[0].heads
    height, width = full.shape[2:]
    assert cut.shape[2:] == (height // 2, width * 3 // 4)
    torch.testing.assert_close(cut, full[..., : height // 2, : width * 3 // 4])


def test_a_fusion_without_attention_gives_the_change_by_the_audio():
    model = build('no contrast')
    model.fusion = GatedFusion()
    batch = make_batch(model)
    (entry,) = attention_maps(model, **batch)
    assert not entry.is_attention and entry.level == 3 and entry.heads.shape[:2] == (3, 1)
    feature = model.extract_feat(batch['inputs']['img'])[3]
    audio, silent = batch['inputs']['audio'], torch.full_like(batch['inputs']['audio'], SILENCE)
    with torch.no_grad():
        gates = model.fusion.gate(model.audio_backbone(audio)) - model.fusion.gate(model.audio_backbone(silent))
    expected = (feature * gates[:, :, None, None]).square().sum(dim=1, keepdim=True).sqrt()
    torch.testing.assert_close(entry.heads, expected.detach(), rtol=1e-4, atol=1e-5)
    silence = attention_maps(model, {**batch['inputs'], 'audio': silent}, batch['data_samples'])
    assert not silence[0].heads.any()

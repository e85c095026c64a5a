"""Weights of timm's backbones that cannot be downloaded."""

import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmavs.models.timm_weights import timm_download_remedy

timm = pytest.importorskip('timm')
BACKBONE = dict(type='TIMMBackbone', model_name='pvt_v2_b5', features_only=True, pretrained=True)


def network_error(module):
    """An error class of a package for downloads, which is no OSError."""
    return type('ConnectError', (Exception,), {'__module__': module})('no route to host')


@pytest.mark.parametrize('error', [FileNotFoundError('not in the cache'), network_error('httpx'), ConnectionError('')])
def test_failed_download_names_repository_places_and_keys(monkeypatch, error):
    def fail(**kwargs):
        raise error

    init_default_scope('mmseg')
    monkeypatch.setattr(timm, 'create_model', fail)
    cfg = dict(
        type='AVEncoderDecoder',
        backbone=BACKBONE,
        decode_head=dict(type='FCNHead', in_channels=8, channels=8, num_classes=2),
        audio_backbone=dict(type='AudioResNet'),
        fusion=dict(type='CrossAttentionFusion'),
    )
    with pytest.raises(ConnectionError) as caught:
        MODELS.build(cfg)
    for part in (
        "timm's pvt_v2_b5 (https://huggingface.co/timm/pvt_v2_b5.in1k)",
        str(error) or 'no connection',
        '~/.cache/huggingface/hub',
        'model.backbone.pretrained_cfg_overlay.file=FILE',
        'model.backbone.pretrained=False',
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ('backbone', 'error'),
    [
        (dict(BACKBONE, pretrained=False), OSError),
        (dict(BACKBONE, pretrained_cfg_overlay=dict(file='gone.pth')), FileNotFoundError),
        (dict(type='ResNet', depth=18), OSError),
        (BACKBONE, RuntimeError),
    ],
)
def test_other_errors_are_unchanged(backbone, error):
    raised = error('as it was')
    with pytest.raises(error) as caught, timm_download_remedy(backbone):
        raise raised
    assert caught.value is raised


def test_the_named_key_takes_a_file(tmp_path):
    weights = timm.create_model('test_resnet').state_dict()
    torch.save(weights, tmp_path / 'weights.pth')
    cfg = dict(BACKBONE, model_name='test_resnet', pretrained_cfg_overlay=dict(file=str(tmp_path / 'weights.pth')))
    init_default_scope('mmseg')
    loaded = MODELS.build(cfg).timm_model.state_dict()
    assert loaded and all(torch.equal(value, weights[key]) for key, value in loaded.items())

import pytest
import torch
from av_model import logits, make_batch, sharpen
from mmcv.cnn import fuse_conv_bn
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmavs.models import fold_batch_norm


def small_model(norm='BN'):
    norm_cfg = dict(type=norm) if norm == 'BN' else dict(type=norm, num_groups=2)
    model = MODELS.build(
        ConfigDict(
            type='AVEncoderDecoder',
            data_preprocessor=dict(type='AVDataPreProcessor', num_frames=32, size=(32, 48)),
            backbone=dict(type='ResNetV1d', depth=18, stem_channels=8, base_channels=8, norm_cfg=norm_cfg),
            neck=dict(
                type='DeepLabV3PlusNeck',
                in_channels=(8, 64),
                channels=12,
                low_level_channels=4,
                dilations=(1, 2, 3),
                norm_cfg=norm_cfg,
            ),
            audio_backbone=dict(type='AudioResNet', base_channels=4, out_channels=16, norm_cfg=norm_cfg),
            fusion=dict(type='CrossAttentionFusion', in_channels=16, audio_channels=16, hidden_channels=16),
            decode_head=dict(type='FCNHead', in_channels=16, in_index=0, channels=8, num_classes=5, norm_cfg=norm_cfg),
            test_cfg=dict(mode='whole'),
        )
    )
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            for values in (module.running_mean, module.weight.data, module.bias.data):
                nn.init.normal_(values, mean=0.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return sharpen(model)


def test_same_predictions_without_any_batch_norm():
    model = small_model()
    batch = make_batch(model)
    before = logits(model, batch)
    assert fold_batch_norm(model) is model and not model.training
    assert not any(isinstance(module, _BatchNorm) for module in model.modules())
    torch.testing.assert_close(logits(model, batch), before, rtol=1e-4, atol=1e-4)


def test_only_norms_of_one_convolution_are_left_to_mmcv():
    """mmcv alone takes the norm over the sum of two convolutions for that of the second."""
    model = small_model()
    batch = make_batch(model)
    before = logits(model, batch)
    assert not torch.allclose(logits(fuse_conv_bn(model), batch), before, rtol=0.1, atol=0.1)


@pytest.mark.parametrize('norm', ['BN', 'GN'])
def test_other_norms_stay_and_a_second_time_changes_nothing(norm):
    model = small_model(norm)
    batch = make_batch(model)
    before = logits(model, batch)
    fold_batch_norm(fold_batch_norm(model))
    torch.testing.assert_close(logits(model, batch), before, rtol=1e-4, atol=1e-4)

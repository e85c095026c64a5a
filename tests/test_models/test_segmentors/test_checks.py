"""Configs whose parts do not fit together raise errors that name the keys."""

import copy

import pytest
import torch
from av_model import make_batch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from test_av_encoder_decoder import CLASSES, MODEL_CFGS, build, head, model_cfg

WEIGHTED = dict(type='CrossEntropyLoss', avg_non_ignore=True)


@pytest.mark.parametrize(
    'part, key, message',
    [
        ('fusion', 'num_head', "fusion: CrossAttentionFusion has no argument 'num_head'; did you mean 'num_heads'"),
        ('contrast_loss', 'tau', "contrast_loss: CAVPLoss has no argument 'tau'; it takes temperature, max_views, "),
        ('audio_backbone', 'out_chanels', "audio_backbone: AudioResNet .* did you mean 'out_channels'"),
        ('audio_backbone', 'dept', "audio_backbone: AudioResNet has no argument 'dept'; did you mean 'depth'"),
        ('audio_backbone', 'norm_evl', "audio_backbone: AudioResNet .* did you mean 'norm_eval'"),
        ('backbone', 'base_chanels', "backbone: ResNetV1c .* did you mean 'base_channels'"),
        ('neck', 'low_levl_channels', "neck: DeepLabV3PlusNeck .* did you mean 'low_level_channels'"),
        ('decode_head', 'num_clases', "decode_head: FCNHead .* did you mean 'num_classes'"),
        ('data_preprocessor', 'level_diff', "data_preprocessor: AVDataPreProcessor .* did you mean 'level_difference'"),
    ],
)
def test_misspelled_key_names_part_and_nearest_key(part, key, message):
    cfg = copy.deepcopy(MODEL_CFGS['cavp'])
    cfg[part][key] = 4
    with pytest.raises(TypeError, match=f'^model.{message}'):
        MODELS.build(ConfigDict(cfg))


def test_key_of_another_audio_network_is_named():
    cfg = copy.deepcopy(MODEL_CFGS['no contrast'])
    cfg['audio_backbone'] = dict(type='VGGish', frame=96)
    with pytest.raises(TypeError, match="^model.audio_backbone: VGGish has no argument 'frame'; did you mean 'frames'"):
        MODELS.build(ConfigDict(cfg))


def test_misspelled_key_of_a_nested_part_and_of_the_model():
    auxiliary = head(in_channels=64, in_index=3, loss_decode=dict(type='CrossEntropyLoss', los_weight=1.0))
    message = r"^model\.auxiliary_head\.1\.loss_decode: CrossEntropyLoss .* did you mean 'loss_weight'"
    with pytest.raises(TypeError, match=message):
        build('no contrast', auxiliary_head=[head(in_channels=64, in_index=3), auxiliary])
    with pytest.raises(TypeError, match="^model: AVEncoderDecoder has no argument 'fussion'; did you mean 'fusion'"):
        build('no contrast', fussion=dict(type='CrossAttentionFusion'))


@pytest.mark.parametrize('where', ['decode_head', 'auxiliary_head'])
@pytest.mark.parametrize('weights', [[1.0] * (CLASSES - 1), [1.0] * (CLASSES + 1)], ids=['fewer', 'more'])
def test_class_weights_must_be_as_many_as_classes(where, weights):
    losses = [WEIGHTED, dict(WEIGHTED, class_weight=weights)]
    changes = {where: head(in_channels=64, in_index=3, loss_decode=losses)}
    with pytest.raises(ValueError, match=rf'model.{where}.loss_decode.class_weight has {len(weights)} values, .* 5 cl'):
        build('no contrast', **changes)
    losses[1]['class_weight'] = [1.0] * CLASSES
    build('no contrast', **changes)


def test_mono_audio_network_on_stereo_audio_names_both_keys():
    mono = dict(type='AudioResNet', in_channels=1, out_channels=10, base_channels=4)
    model = build('no contrast', audio_backbone=mono)
    with pytest.raises(
        ValueError, match='model.audio_backbone.in_channels=1, but the audio has 2 channels .*LoadAudio'
    ):
        model(**make_batch(model), mode='loss')


def test_fusion_that_does_not_fit_the_audio_network_names_both_keys():
    model = build('no contrast', audio_backbone=dict(type='AudioResNet', out_channels=12, base_channels=4))
    with pytest.raises(ValueError, match='model.fusion.audio_channels=10, but model.audio_backbone gives 12'):
        model(**make_batch(model), mode='loss')


@pytest.mark.parametrize(
    'fusion, message',
    [
        (dict(in_channels=32, in_index=(3,)), 'in_channels is 32 for level 3, but model.backbone .* gives 64 channels'),
        (dict(in_channels=64, in_index=(4,)), 'names level 4, but model.backbone .* gives 4 levels'),
    ],
)
def test_fusion_that_does_not_fit_the_levels_names_both_keys(fusion, message):
    cfg = model_cfg(MODEL_CFGS['no contrast']['backbone'], head(in_channels=64, in_index=3), fusion)
    model = MODELS.build(ConfigDict(copy.deepcopy(cfg)))
    with pytest.raises(ValueError, match=message):
        model(**make_batch(model), mode='loss')


@pytest.mark.parametrize('index', [2, [1, 3]])
def test_auxiliary_head_on_unfused_level_is_refused(index):
    auxiliary = head(in_channels=32, in_index=2)
    if isinstance(index, list):
        auxiliary = dict(type='SegformerHead', in_channels=[16, 64], in_index=index, channels=8, num_classes=CLASSES)
    with pytest.raises(ValueError, match=r'auxiliary_head.in_index: level \[[12]\] is not fused .* only \(3,\)'):
        build('no contrast', auxiliary_head=auxiliary)


def test_every_auxiliary_head_is_checked():
    heads = [head(in_channels=64, in_index=3), head(in_channels=8, in_index=0)]
    with pytest.raises(ValueError, match=r'auxiliary_head\.1.in_index: level \[0\] is not fused'):
        build('no contrast', auxiliary_head=heads)


@pytest.mark.parametrize('index, fused', [(-1, 3), (3, -1), (-1, -1)])
def test_auxiliary_head_may_count_levels_from_the_end(index, fused):
    fusion = dict(MODEL_CFGS['no contrast']['fusion'], in_index=(fused,))
    auxiliary = head(in_channels=64, in_index=index)
    model = build('no contrast', fusion=fusion, auxiliary_head=auxiliary).train()
    losses = model(**make_batch(model, training=True), mode='loss')
    assert losses['aux.loss_ce'].isfinite()


@pytest.mark.parametrize('index, fused', [(-2, 3), (2, -1)])
def test_unfused_level_counted_from_the_other_end_is_refused_in_the_first_step(index, fused):
    fusion = dict(MODEL_CFGS['no contrast']['fusion'], in_index=(fused,))
    model = build('no contrast', fusion=fusion, auxiliary_head=head(in_channels=32, in_index=index)).train()
    with pytest.raises(ValueError, match=rf'auxiliary_head.in_index: level \[{index}\] is not fused'):
        model(**make_batch(model, training=True), mode='loss')


@pytest.mark.parametrize('level, fused', [(-1, 3), (3, -1), (-1, -1)])
def test_contrast_level_may_count_from_the_end(level, fused):
    fusion = dict(MODEL_CFGS['no contrast']['fusion'], in_index=(fused,))
    model = build('no contrast', fusion=fusion, contrast_loss=dict(type='CAVPLoss', max_views=8), contrast_level=level)
    losses = model.train()(**make_batch(model, training=True), mode='loss')
    assert losses['loss_contrast'] > 0


def test_contrast_level_must_be_fused():
    with pytest.raises(ValueError, match=r'contrast_level 1 is not fused; model.fusion.in_index is \(2, 3\)'):
        build('two levels, auxiliary head', contrast_level=1)
    model = build('two levels, auxiliary head', contrast_level=-4).train()
    with pytest.raises(ValueError, match=r'contrast_level -4 is not fused; model.fusion.in_index is \(2, 3\)'):
        model(**make_batch(model, training=True), mode='loss')


def test_cascade_in_a_segmentor_of_one_head_names_the_class():
    heads = [head(in_channels=64, in_index=3)] * 2
    for changes in (dict(num_stages=2), dict(decode_head=heads), dict(num_stages=2, decode_head=heads)):
        with pytest.raises(TypeError, match="use type='AVCascadeEncoderDecoder'"):
            build('no contrast', **changes)


def test_unknown_mode_of_inference_is_named():
    model = build(test_cfg=dict(mode='window')).eval()
    with pytest.raises(ValueError, match="test_cfg.mode must be 'whole' or 'slide', got 'window'"), torch.no_grad():
        model(**make_batch(model), mode='predict')

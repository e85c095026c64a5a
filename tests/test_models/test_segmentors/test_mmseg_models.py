"""The shared checks of audio-visual models on tiny versions of mmseg's architectures."""

import pytest
from av_model import (
    check_audio_matters,
    check_images_are_independent,
    check_loss_and_gradients,
    check_predictions,
    logits,
    make_batch,
    sharpen,
)
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from mmseg_models import MMSEG_MODELS, ocrnet, pointrend


@pytest.fixture(scope='module', params=MMSEG_MODELS, ids=lambda make: make.__name__)
def model(request):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(ConfigDict(request.param()))


def test_loss_and_gradients(model):
    check_loss_and_gradients(model, make_batch(model, training=True))


def test_predictions(model):
    check_predictions(model, make_batch(model), (20, 31))


def test_audio_matters_and_images_are_independent(model):
    sharpen(model)
    batch = make_batch(model)
    check_audio_matters(model, batch)
    check_images_are_independent(model, batch)


@pytest.mark.parametrize('make', [ocrnet, pointrend], ids=['ocrnet', 'pointrend'])
def test_slide_inference_of_a_cascade_equals_whole_where_the_crop_covers_the_image(make):
    model = sharpen(MODELS.build(ConfigDict(make())))
    batch = make_batch(model)
    whole = logits(model, batch)
    model.test_cfg.update(mode='slide', crop_size=(32, 48), stride=(32, 48))
    assert (logits(model, batch) - whole).abs().max() < 1e-5


def test_raw_output_of_a_cascade_is_that_of_its_last_head():
    model = MODELS.build(ConfigDict(ocrnet())).eval()
    assert model(**make_batch(model), mode='tensor').shape[:2] == (3, model.num_classes)
    model = MODELS.build(ConfigDict(pointrend())).eval()
    with pytest.raises(NotImplementedError, match="PointHead .* mode='tensor' is not supported"):
        model(**make_batch(model), mode='tensor')


def test_single_output_of_a_cascade_is_refused():
    cfg = ocrnet()
    for decode_head in cfg['decode_head']:
        decode_head.update(num_classes=2, out_channels=1)
    with pytest.raises(ValueError, match=r'model.decode_head\[0\].out_channels=1 is not supported in a cascade'):
        MODELS.build(ConfigDict(cfg))

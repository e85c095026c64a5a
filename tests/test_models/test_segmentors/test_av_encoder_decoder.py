import copy

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
)
from mmengine.config import ConfigDict
from mmseg.registry import MODELS

from mmavs.evaluation import DatasetLevelMetric
from mmavs.models.losses import CAVPLoss
from mmavs.models.losses.pairing import Draw, PixelSample

CLASSES = 5
NORM = dict(type='BN')
RESNET = dict(
    type='ResNetV1c',
    depth=18,
    stem_channels=8,
    base_channels=8,
    strides=(1, 2, 2, 1),
    dilations=(1, 1, 1, 2),
    norm_cfg=NORM,
)
NECK = dict(
    type='DeepLabV3PlusNeck', in_channels=(8, 64), channels=12, low_level_channels=4, dilations=(1, 2), norm_cfg=NORM
)
MIT = dict(
    type='MixVisionTransformer',
    embed_dims=8,
    num_layers=[1, 1, 1, 1],
    num_heads=[1, 2, 4, 8],
    patch_sizes=[7, 3, 3, 3],
    sr_ratios=[8, 4, 2, 1],
    out_indices=(0, 1, 2, 3),
    mlp_ratio=2,
)
CONTRAST = dict(type='CAVPLoss', max_views=16)


def head(**options):
    return dict(
        type='FCNHead',
        channels=8,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0,
        num_classes=CLASSES,
        norm_cfg=NORM,
        align_corners=False,
        **options,
    )


def model_cfg(backbone, decode_head, fusion, **options):
    return dict(
        type='AVEncoderDecoder',
        data_preprocessor=dict(
            type='AVDataPreProcessor', num_frames=32, mean=[120.0] * 3, std=[60.0] * 3, size=(32, 48)
        ),
        backbone=backbone,
        audio_backbone=dict(type='AudioResNet', in_channels=2, out_channels=10, base_channels=4),
        fusion=dict(
            type='CrossAttentionFusion', audio_channels=10, num_heads=2, hidden_channels=8, mlp_ratio=1.0, **fusion
        ),
        decode_head=decode_head,
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
        **options,
    )


MODEL_CFGS = {
    'cavp': model_cfg(
        RESNET, head(in_channels=16, in_index=0), dict(in_channels=16), neck=NECK, contrast_loss=CONTRAST
    ),
    'min-max': model_cfg(
        RESNET,
        head(in_channels=16, in_index=0),
        dict(in_channels=16, activation='minmax'),
        neck=NECK,
        contrast_loss=CONTRAST,
    ),
    'two levels, auxiliary head': model_cfg(
        RESNET,
        dict(
            type='PSPHead',
            in_channels=64,
            in_index=3,
            channels=8,
            pool_scales=(1, 2),
            num_classes=CLASSES,
            dropout_ratio=0,
            norm_cfg=NORM,
            align_corners=False,
        ),
        dict(in_channels=(32, 64), in_index=(2, 3)),
        auxiliary_head=head(in_channels=32, in_index=2),
        contrast_loss=dict(type='SupConLoss', max_views=16),
        contrast_level=3,
    ),
    'segformer, all levels': model_cfg(
        MIT,
        dict(
            type='SegformerHead',
            in_channels=[8, 16, 32, 64],
            in_index=[0, 1, 2, 3],
            channels=8,
            num_classes=CLASSES,
            dropout_ratio=0,
            norm_cfg=NORM,
            align_corners=False,
        ),
        dict(in_channels=(8, 16, 32, 64), activation='channel'),
        contrast_loss=CONTRAST,
        contrast_level=1,
    ),
    'no contrast': model_cfg(RESNET, head(in_channels=64, in_index=3), dict(in_channels=64, in_index=(3,))),
}


def build(name='cavp', **changes):
    return MODELS.build(ConfigDict({**copy.deepcopy(MODEL_CFGS[name]), **changes}))


@pytest.mark.parametrize('autocast', [False, True], ids=['float32', 'bfloat16'])
@pytest.mark.parametrize('name', MODEL_CFGS)
def test_loss_and_gradients(name, autocast):
    model = build(name).train()
    batch = make_batch(model, training=True)
    with torch.autocast('cpu', dtype=torch.bfloat16, enabled=autocast):
        losses = check_loss_and_gradients(model, batch)
    expected = {'decode.loss_ce', 'decode.acc_seg'}
    expected |= {'aux.loss_ce', 'aux.acc_seg'} if model.with_auxiliary_head else set()
    expected |= {'loss_contrast'} if model.contrast_loss else set()
    assert set(losses) == expected


@pytest.mark.parametrize('value', [0, 255], ids=['background', 'ignored'])
@pytest.mark.parametrize('name', MODEL_CFGS)
def test_batch_without_objects(name, value):
    model = build(name).train()
    batch = make_batch(model, training=True)
    for sample in batch['data_samples']:
        sample.gt_sem_seg.data.fill_(value)
    losses = model(**batch, mode='loss')
    total, _ = model.parse_losses(losses)
    assert total.isfinite() and (total > 0) == (value == 0)
    assert losses.get('loss_contrast', torch.zeros(())) == 0
    total.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_class_that_is_absent_in_training():
    """The other classes are learned, and the test counts it as missed."""
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(3):
        optimizer.zero_grad()
        total, _ = model.parse_losses(model(**make_batch(model.train(), training=True), mode='loss'))
        total.backward()
        optimizer.step()
    assert total.isfinite()
    batch = make_batch(model.eval())
    batch['data_samples'][0].gt_sem_seg.data[0, 0] = CLASSES - 1
    metric = DatasetLevelMetric()
    metric.dataset_meta = dict(classes=('background', *'abcd'))
    for sample in model(**batch, mode='predict'):
        sample.pred_sem_seg.data[sample.pred_sem_seg.data == CLASSES - 1] = 0  # as a trained network would
        metric.process({}, [sample.to_dict()])
    scores = metric.evaluate(3)
    assert all(0 <= value <= 100 for value in scores.values()), scores


@pytest.mark.parametrize('name', MODEL_CFGS)
def test_predict(name):
    model = build(name).eval()
    batch = make_batch(model)
    raw = model(**batch, mode='tensor')
    assert raw.shape[:2] == (3, CLASSES)
    check_predictions(model, batch, (20, 31))


@pytest.mark.parametrize('name', MODEL_CFGS)
def test_images_of_a_batch_are_independent(name):
    model = sharpen(build(name))
    check_images_are_independent(model, make_batch(model))


@pytest.mark.parametrize('name', MODEL_CFGS)
def test_audio_changes_the_prediction(name):
    model = sharpen(build(name))
    check_audio_matters(model, make_batch(model))


def test_predict_without_data_samples():
    model = build().eval()
    batch = make_batch(model)
    with torch.no_grad():
        results = model.predict(batch['inputs'])
    out = torch.stack([result.seg_logits.data for result in results])
    torch.testing.assert_close(out, logits(model, batch))


@pytest.mark.parametrize(
    'size, stride, same', [((32, 48), (32, 48), True), ((64, 96), (16, 16), True), ((16, 24), (8, 12), False)]
)
def test_slide_inference_equals_whole_where_the_window_covers_the_image(size, stride, same):
    model = sharpen(build())
    batch = make_batch(model)
    whole = logits(model, batch)
    model.test_cfg.update(mode='slide', crop_size=size, stride=stride)
    slide = logits(model, batch)
    assert slide.shape == whole.shape and slide.isfinite().all()
    assert torch.allclose(slide, whole, atol=1e-5) == same


def test_model_fits_one_batch():
    model = build().train()
    batch = make_batch(model, training=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    history = []
    for _ in range(25):
        losses = model(**batch, mode='loss')
        optimizer.zero_grad()
        model.parse_losses(losses)[0].backward()
        optimizer.step()
        history.append((losses['decode.loss_ce'].item(), losses['loss_contrast'].item()))
    assert history[-1][0] < 0.65 * history[0][0]
    assert history[-1][1] < 0.8 * history[0][1]


def test_channels_last_gives_the_same_predictions():
    wide = dict(
        backbone=dict(RESNET, stem_channels=16, base_channels=16),
        neck=dict(NECK, in_channels=(16, 128)),
        audio_backbone=dict(type='AudioResNet', in_channels=2, out_channels=10, base_channels=16),
    )
    plain, model = build(**wide), build(**wide, channels_last=True)
    model.load_state_dict(plain.state_dict())
    batch = make_batch(model)
    torch.testing.assert_close(logits(model, batch), logits(plain, batch), rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        for net, memory_format in ((plain, torch.contiguous_format), (model, torch.channels_last)):
            fused = net.fusion(net.extract_feat(batch['inputs']['img']), torch.zeros(3, 10))[0]
            assert fused.is_contiguous(memory_format=memory_format)
    check_loss_and_gradients(model, batch)


def test_logits_are_float32_with_mixed_precision():
    model = build().eval()
    with torch.autocast('cpu', torch.bfloat16):
        assert logits(model, make_batch(model)).dtype == torch.float32


def test_head_that_calls_view_on_features():
    """DMHead is one of them."""
    decode_head = dict(
        type='DMHead', in_channels=64, in_index=3, channels=8, filter_sizes=(1, 3), num_classes=CLASSES, norm_cfg=NORM
    )
    model = build('no contrast', decode_head=decode_head).eval()
    check_predictions(model, make_batch(model), (20, 31))


class RecordedLoss(CAVPLoss):
    """Pairs each image with the audio of the next one, and keeps what it gets."""

    def draw(self, label, metas):
        self.label, self.metas = label, metas
        pixels = PixelSample(torch.tensor([0, 1, 2, 2]), torch.tensor([0, 5, 40, 41]), torch.tensor([1, 2, 1, 0]))
        return Draw(self.permutation, pixels, pixels)

    def forward(self, features, label):
        self.features, self.drawn_label = features.chunk(2), label
        return features.sum() * 0


def test_contrast_compares_original_and_shuffled_pairs_at_the_drawn_pixels():
    model = sharpen(build()).train()
    batch = make_batch(model, training=True)
    model.contrast_loss = loss = RecordedLoss(loss_name='loss_other')
    loss.permutation = torch.arange(3)
    assert model.loss(**batch)['loss_other'] == 0
    original, same_audio = loss.features
    torch.testing.assert_close(same_audio, original, rtol=1e-4, atol=1e-5)
    loss.permutation = torch.tensor([1, 2, 0])
    model.loss(**batch)
    assert not torch.allclose(loss.features[1], loss.features[0], atol=1e-4)
    assert loss.drawn_label.tolist() == [1, 2, 1, 0] * 2
    assert loss.label.shape == (3, 8, 12) and [m['audio_label'] for m in loss.metas] == [(1,), (2,), (1,)]


def test_numbers_of_drawn_pixels_are_logged_where_their_share_is_set():
    model = build(contrast_loss=dict(type='CAVPLoss', max_views=8, positive_share=0.25)).train()
    losses = model.loss(**make_batch(model, training=True))
    counts = [losses[f'contrast.{kind}'].item() for kind in ('foreground', 'background', 'shuffled')]
    assert counts == [8, 12, 12]  # 2 classes x 8 + 8 + 8 by default


@pytest.mark.parametrize('mode', ['loss', 'predict', 'tensor'])
@pytest.mark.parametrize('keep', ['img', None])
def test_inputs_without_audio_are_refused(mode, keep):
    model = build().eval()
    batch = make_batch(model)
    inputs = batch['inputs']['img'] if keep is None else {keep: batch['inputs'][keep]}
    with pytest.raises(TypeError, match='PackAVSegInputs'):
        model(inputs, batch['data_samples'], mode=mode)

"""mmseg's losses and samplers on the head of an audio-visual segmentor, against their formulas."""

import copy

import pytest
import torch
import torch.nn.functional as F
from av_model import check_loss_and_gradients, make_batch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS

CLASSES, IGNORED = 3, 255
WEIGHTS = [0.5, 1.0, 4.0]
CE = dict(type='CrossEntropyLoss', avg_non_ignore=True)
HEAD = dict(
    type='FCNHead',
    in_channels=32,
    in_index=2,
    channels=8,
    num_convs=1,
    concat_input=False,
    dropout_ratio=0,
    num_classes=CLASSES,
    norm_cfg=dict(type='BN'),
    align_corners=False,
)
MODEL = dict(
    type='AVEncoderDecoder',
    data_preprocessor=dict(type='AVDataPreProcessor', num_frames=32, mean=[120.0] * 3, std=[60.0] * 3, size=(32, 48)),
    backbone=dict(
        type='ResNetV1c',
        depth=18,
        stem_channels=8,
        base_channels=8,
        num_stages=3,
        out_indices=(0, 1, 2),
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
    ),
    audio_backbone=dict(type='AudioResNet', out_channels=10, base_channels=4),
    fusion=dict(type='CrossAttentionFusion', in_channels=(32,), in_index=(2,), audio_channels=10, hidden_channels=8),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)


def cross_entropy(logits, label, weights=None):
    weights = None if weights is None else torch.tensor(weights)
    return F.cross_entropy(logits, label, weights, ignore_index=IGNORED)


def dice(logits, label):
    """1 - 2 |AB| / (|A|^2 + |B|^2) over classes and pixels of an image; ignored pixels are of no class."""
    probability = logits.softmax(dim=1).flatten(1)
    truth = torch.stack([label == c for c in range(CLASSES)], dim=1).float().flatten(1)
    return (1 - 2 * (probability * truth).sum(1) / ((probability**2).sum(1) + truth.sum(1) + 2e-3)).mean()


def focal(logits, label):
    truth = torch.stack([label == c for c in range(CLASSES)], dim=1)
    right = torch.where(truth, logits.sigmoid(), 1 - logits.sigmoid())
    loss = -0.5 * (1 - right) ** 2 * right.log()
    return (loss * (label != IGNORED)[:, None]).mean()


def hardest(logits, label, count=20):
    """Mean over all labeled pixels of the loss of the hardest ones, ``count`` of them an image."""
    losses = F.cross_entropy(logits, label, ignore_index=IGNORED, reduction='none')
    return losses.flatten().topk(count * len(label)).values.sum() / (label != IGNORED).sum()


SEVERAL = [CE, dict(type='DiceLoss', use_sigmoid=False, loss_weight=0.5, loss_name='loss_dice')]
CASES = {
    'class weights': (dict(loss_decode=dict(CE, class_weight=WEIGHTS)), lambda *x: [cross_entropy(*x, WEIGHTS)]),
    'dice': (dict(loss_decode=dict(type='DiceLoss', use_sigmoid=False)), lambda *x: [dice(*x)]),
    'focal': (dict(loss_decode=dict(type='FocalLoss')), lambda *x: [focal(*x)]),
    'several': (dict(loss_decode=SEVERAL), lambda *x: [cross_entropy(*x), 0.5 * dice(*x)]),
    'hardest pixels': (
        dict(loss_decode=CE, sampler=dict(type='OHEMPixelSampler', min_kept=20)),
        lambda *x: [hardest(*x)],
    ),
}


@pytest.mark.parametrize('case', CASES)
def test_loss_of_the_head(case):
    options, formula = CASES[case]
    model = MODELS.build(ConfigDict(copy.deepcopy(dict(MODEL, decode_head=dict(HEAD, **options)))))
    batch = make_batch(model, training=True)
    losses = check_loss_and_gradients(model, batch)
    model.eval()  # running statistics have changed in the training step
    with torch.no_grad():
        losses = model(**batch, mode='loss')
        logits = model(**batch, mode='tensor')
    label = torch.stack([sample.gt_sem_seg.data[0] for sample in batch['data_samples']])
    logits = F.interpolate(logits, label.shape[1:], mode='bilinear', align_corners=False)
    found = [value for name, value in losses.items() if name.startswith('decode.loss_')]
    expected = formula(logits, label)
    assert len(found) == len(expected)
    for value, truth in zip(found, expected, strict=True):
        torch.testing.assert_close(value, truth, rtol=1e-4, atol=1e-6)

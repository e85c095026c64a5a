"""Losses and gradients of TPAVI and AVSegFormer against those of the reference implementations."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS

CROSS_ENTROPY = dict(type='CrossEntropyLoss', avg_non_ignore=True)
DICE = dict(type='FrameDiceLoss')
BINARY = dict(CROSS_ENTROPY, use_sigmoid=True)


@pytest.fixture
def case(golden_file):
    """The tensors of a case, inputs with gradients, and its labels (N, H, W), 255 where a frame is not annotated."""

    def load(name):
        content = np.load(golden_file('baseline_losses.npz'))
        tensors = {k.split(':')[1]: torch.from_numpy(content[k]) for k in content if k.startswith(f'{name}:')}
        inputs = {k.removeprefix('grad_') for k in tensors if k.startswith('grad_')}
        for key in inputs:
            tensors[key].requires_grad_()
        count, label = len(tensors['pred']), tensors['gt'].reshape(-1, *tensors['gt'].shape[-2:]).long()
        if len(label) < count:  # the first frame of each clip
            annotated = torch.full((len(label), count // len(label), *label.shape[1:]), 255)
            annotated[:, 0] = label
            label = annotated.flatten(0, 1)
        if 'annotated' in tensors:
            label = torch.where(tensors['annotated'].bool()[:, None, None], label, 255)
        return tensors, label, inputs

    return load


def check(loss, tensors, inputs):
    torch.testing.assert_close(loss, tensors['loss'], rtol=0, atol=1e-5)
    loss.backward()
    for key in inputs:
        torch.testing.assert_close(tensors[key].grad, tensors[f'grad_{key}'], rtol=0, atol=1e-5, msg=key)
        assert (tensors[key].grad - tensors[f'grad_{key}']).norm() < 1e-3 * tensors[f'grad_{key}'].norm(), key


@pytest.mark.parametrize(('name', 'decode', 'reduction'), [('ms3', BINARY, 'sum'), ('avss', CROSS_ENTROPY, 'mean')])
def test_golden_losses_tpavi(case, name, decode, reduction):
    tensors, label, inputs = case(f'tpavi_{name}')
    stages = [(tensors[f'visual{i}'], tensors[f'audio{i}'].flatten(0, 1)) for i in range(4)]
    matching = MODELS.build(dict(type='AVMatchingLoss', reduction=reduction))
    annotated = (label != 255).flatten(1).any(1)
    loss = MODELS.build(decode)(tensors['pred'], label, ignore_index=255) + matching(tensors['pred'], stages, annotated)
    check(loss, tensors, inputs)


@pytest.mark.parametrize(('name', 'decode'), [('s4', DICE), ('ms3', DICE), ('avss', CROSS_ENTROPY)])
def test_golden_losses_avsegformer(case, name, decode):
    tensors, label, inputs = case(f'avsegformer_{name}')
    mask = F.interpolate(tensors['mask_feature'].mean(1, keepdim=True), size=label.shape[1:], mode='bilinear')
    auxiliary = MODELS.build(dict(DICE, loss_weight=0.1))
    check(MODELS.build(decode)(tensors['pred'], label, ignore_index=255) + auxiliary(mask, label), tensors, inputs)

import logging
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmavs.engine import CompatibilityHook

PETS = ('background', 'cat', 'dog')


def runner_with(classes, *, stage='test', resumes=False, **model):
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=classes)))
    return SimpleNamespace(
        **{f'{name}_dataloader': loader for name in ('train', 'val', 'test')},
        **dict(stage=stage, resumes=resumes, loading='the checkpoint a.pth', logger=logging.getLogger('runner')),
        model=nn.ModuleDict(model),
    )


def checkpoint(classes):
    return dict(meta=dict(dataset_meta=dict(classes=classes)), message_hub={}, state_dict={})


@pytest.mark.parametrize('stage, resumes', [('val', False), ('test', False), ('train', True)])
@pytest.mark.parametrize(
    'classes, difference',
    [
        (('background', 'cat', 'cow'), 'the dataset does not have dog; the checkpoint does not have cow'),
        (('background', 'cat'), 'the dataset does not have dog'),
        (('background', 'dog', 'cat'), 'their order differs'),
    ],
)
def test_other_classes_are_refused_with_the_remedy(stage, resumes, classes, difference):
    message = rf'a\.pth was trained with other classes: .*{difference}.*`class_file` of {stage}_dataloader.dataset'
    with pytest.raises(ValueError, match=message):
        CompatibilityHook().after_load_checkpoint(runner_with(classes, stage=stage, resumes=resumes), checkpoint(PETS))


@pytest.mark.parametrize('given', [checkpoint(list(PETS)), checkpoint(None), dict(state_dict={}), {}])
def test_equal_and_unknown_classes_pass(given):
    CompatibilityHook().after_load_checkpoint(runner_with(PETS), given)


def test_new_training_with_other_classes_warns(caplog):
    CompatibilityHook().after_load_checkpoint(runner_with(('background', 'cow'), stage='train'), checkpoint(PETS))
    assert 'other classes' in caplog.text


def test_weights_alone_cannot_be_resumed_from():
    with pytest.raises(ValueError, match='does not contain meta, message_hub.*load_from without resume'):
        CompatibilityHook().after_load_checkpoint(runner_with(PETS, stage='train', resumes=True), dict(state_dict={}))


class Head(nn.Module):
    def __init__(self, num_classes, out_channels=None):
        super().__init__()
        self.num_classes, self.out_channels = num_classes, out_channels or num_classes


@pytest.mark.parametrize('stage', ['train', 'val', 'test'])
@pytest.mark.parametrize(
    'heads, key, number',
    [
        (dict(decode_head=Head(2)), 'decode_head', 2),
        (dict(decode_head=Head(4)), 'decode_head', 4),
        (dict(decode_head=nn.ModuleList([Head(3), Head(4)])), 'decode_head.1', 4),
        (dict(decode_head=Head(3), auxiliary_head=Head(2)), 'auxiliary_head', 2),
        (dict(decode_head=Head(3), auxiliary_head=nn.ModuleList([Head(3), Head(2)])), 'auxiliary_head.1', 2),
    ],
)
def test_heads_that_do_not_fit_the_dataset_are_refused(stage, heads, key, number):
    with pytest.raises(ValueError, match=rf'model\.{key} has {number} classes, {stage}_dataloader.dataset has 3'):
        getattr(CompatibilityHook(), f'before_{stage}')(runner_with(PETS, **heads))


def test_auxiliary_head_with_more_classes_warns_once_before_training(caplog):
    runner = runner_with(PETS, decode_head=Head(3), auxiliary_head=Head(5))
    for stage in ('train', 'val', 'test'):
        getattr(CompatibilityHook(), f'before_{stage}')(runner)
    assert caplog.text.count('model.auxiliary_head has 5 classes') == 1


def test_one_output_channel_counts_as_two_classes():
    CompatibilityHook().before_train(runner_with(('background', 'object'), decode_head=Head(2, out_channels=1)))
    CompatibilityHook().before_train(runner_with(PETS, decode_head=torch.nn.Identity()))

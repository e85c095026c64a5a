"""How each config of CAVP trains, against a table: read from the optimizers and schedules that it builds."""

import json
import math
from typing import NamedTuple

import pytest
import torch
from av_model import without_downloads
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS, PARAM_SCHEDULERS
from shipped_configs import LEAVES, heads_of, load

CONFIGS = [path for path in LEAVES if path.parent.name == 'cavp']
EPOCH_LENGTH = 4  # steps of an epoch here


class Recipe(NamedTuple):
    """Training of the paper's configs: SGD for the visual parts, Adam for the audio network.

    Attributes:
        lr: Of backbone and fusion, for ``batch`` images per step.
        backbone: Of the backbone, in multiples of ``lr``.
        contrast: Weight of the contrastive loss.
        head: Of the segmentation head, in multiples of ``lr``: the reference's ``segment``, which is neck and decode
            head here.
        audio_lr: Of the audio network, in all steps.
        weight_decay: Of the weights of visual layers, norms excepted.
        epochs: Training's length; None where it is counted in steps.
        steps: The same in steps.
        batch: Images per step.
    """

    lr: float
    head: float
    audio_lr: float
    weight_decay: float
    epochs: int | None
    batch: int
    steps: int | None = None
    backbone: float = 1
    contrast: float = 1


VPO = Recipe(lr=1e-3, head=10, audio_lr=1e-3, weight_decay=5e-4, epochs=80, batch=16)
OBJECTS = VPO._replace(weight_decay=1e-4, epochs=60, backbone=0.5, contrast=0.1)
# by the type of the training set and the beginning of the name
RECIPES = {
    ('VPODataset', 'cavp_r50'): VPO,
    ('VPODataset', 'cavp_r101'): VPO,
    ('VPODataset', 'cavp_hr48'): VPO,
    ('VPODataset', 'cavp_ocrnet-hr48'): VPO,
    ('AVSBenchObjectDataset', 'cavp_r'): OBJECTS,
    ('AVSBenchSemanticDataset', 'cavp_r'): VPO._replace(weight_decay=1e-4),
    ('AVSBenchObjectDataset', 'cavp_pvt'): OBJECTS,
    ('AVSBenchSemanticDataset', 'cavp_pvt'): VPO._replace(weight_decay=1e-4),
    ('AVSBenchSemanticDataset', 'cavp_r50-d16_1xb16-60e'): OBJECTS,  # as objects
    # overfits a few images
    ('VPODataset', 'cavp_r18_small'): VPO._replace(lr=0.01, head=2, epochs=None, steps=600, batch=4),
}


class MiniRecipe(NamedTuple):
    """How the configs of the generated mini sets train: AdamW on everything, weight decay too.

    Attributes:
        started: Factor of the learning rate of backbone and neck, which may start from a trained network.
    """

    lr: float
    weight_decay: float
    epochs: int
    batch: int
    started: float = 1.0


MINI = MiniRecipe(lr=3e-3, weight_decay=0.01, epochs=15, batch=8)
RECIPES |= {
    (dataset, 'cavp_r18_mini'): MINI
    for dataset in ('ConcatDataset', 'AVSBenchObjectDataset', 'AVSBenchSemanticDataset')
}
RECIPES['ConcatDataset', 'cavp_r18_mini-6e'] = MINI._replace(epochs=6)
RECIPES['ConcatDataset', 'cavp_r18_mini-start'] = MINI._replace(started=0.1)
RECIPES['ConcatDataset', 'cavp_r18_mini-demo'] = MINI._replace(epochs=7, started=0.1)


def find_recipe(path, cfg):
    """Of those that fit, the one with the longest name."""
    kind = cfg.train_dataloader.dataset.type
    fitting = {start: r for (dataset, start), r in RECIPES.items() if dataset == kind and path.stem.startswith(start)}
    assert fitting, f'{path.name} has no recipe in this test'
    return fitting[max(fitting, key=len)]


_MODELS = {}


def build(cfg):
    """Model without values, and its optimizer wrapper; configs that differ in data alone share a model."""
    key = json.dumps(cfg.model.to_dict(), sort_keys=True)
    if key not in _MODELS:
        model = without_downloads(cfg.model.to_dict())
        del model['data_preprocessor']
        if model['backbone']['type'] == 'TIMMBackbone':
            pytest.importorskip('timm')
        with torch.device('meta'):
            _MODELS[key] = MODELS.build(model)
    return _MODELS[key], build_optim_wrapper(_MODELS[key], cfg.optim_wrapper)


def groups_by_name(model, optimizer):
    """The group of each trainable parameter, by the parameter's name; each is in one group."""
    names = {id(parameter): name for name, parameter in model.named_parameters() if parameter.requires_grad}
    pairs = [(names[id(p)], group) for group in optimizer.param_groups for p in group['params']]
    assert sorted(name for name, _ in pairs) == sorted(names.values())
    return dict(pairs)


def rates_over_training(cfg, wrapper, total):
    """Learning rate of every group in the first, the middle and the last of ``total`` steps, as the runner has them."""
    schedulers = [
        PARAM_SCHEDULERS.build(dict(options), default_args=dict(optimizer=wrapper, epoch_length=EPOCH_LENGTH))
        for options in cfg.param_scheduler
    ]
    assert not any(scheduler.by_epoch for scheduler in schedulers), 'changes once an epoch, not with each step'
    rates = []
    for _ in range(total):
        rates.append([group['lr'] for group in wrapper.optimizer.param_groups])
        wrapper.step()
        for scheduler in schedulers:
            scheduler.step()
    return {step: rates[step] for step in (0, total // 2, total - 1)}


def take_step(optimizer):
    """One step with gradients of shape only: leaves the state of the algorithm that made it with each parameter."""
    for group in optimizer.param_groups:
        for parameter in group['params']:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad()
    return {p: set(optimizer.state[p]) for group in optimizer.param_groups for p in group['params']}


def distinct_trainings():
    """A config for each training: those that differ in data, classes or audio channels alone share theirs."""
    found = {}
    for path in CONFIGS:
        cfg = load(path)
        model = cfg.model.to_dict()
        del model['data_preprocessor']
        for head in heads_of(model):
            del head['num_classes']
            head['loss_decode'].pop('class_weight', None)
        model['audio_backbone'].pop('in_channels', None)
        trained = [model, *(cfg[key] for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'auto_scale_lr'))]
        found.setdefault(json.dumps([*trained, cfg.train_dataloader.batch_size], sort_keys=True), path)
    return found.values()


@pytest.fixture(params=distinct_trainings(), ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def cfg(path):
    return load(path)


@pytest.fixture
def recipe(path, cfg):
    return find_recipe(path, cfg)


def test_every_config_has_a_recipe():
    assert len(CONFIGS) >= 20
    for path in CONFIGS:
        cfg = load(path)
        recipe = find_recipe(path, cfg)
        assert cfg.auto_scale_lr.base_batch_size == recipe.batch, path.name
        assert recipe is not VPO or cfg.train_dataloader.batch_size == 8, path.name
        if isinstance(recipe, Recipe) and 'small' not in path.stem:
            assert cfg.model.contrast_loss.get('loss_weight', 1) == recipe.contrast, path.name


def test_algorithms_rates_and_weight_decay(cfg, recipe):
    """Of every parameter, by the part that it belongs to; norms and biases are those with one dimension."""
    model, wrapper = build(cfg)
    if isinstance(recipe, MiniRecipe):
        assert type(wrapper.optimizer) is torch.optim.AdamW
        for name, group in groups_by_name(model, wrapper.optimizer).items():
            lr = recipe.lr * (recipe.started if name.split('.')[0] in ('backbone', 'neck') else 1)
            assert (group['lr'], group['weight_decay']) == (pytest.approx(lr), recipe.weight_decay), name
        return
    state = take_step(wrapper.optimizer)
    seen = set()
    for name, group in groups_by_name(model, wrapper.optimizer).items():
        part, parameter = name.split('.')[0], model.get_parameter(name)
        seen.add(part)
        if part == 'audio_backbone':
            assert {'exp_avg', 'exp_avg_sq'} <= state[parameter], f'{name} is not trained with Adam'
            assert group['betas'] == (0.9, 0.999)
            expected = dict(lr=recipe.audio_lr, weight_decay=0.0)
        else:
            assert state[parameter] == {'momentum_buffer'}, f'{name} is not trained with SGD'
            factor = {'backbone': recipe.backbone, 'fusion': 1, 'neck': recipe.head, 'decode_head': recipe.head}[part]
            decay = 0.0 if parameter.ndim == 1 else recipe.weight_decay
            expected = dict(lr=factor * recipe.lr, momentum=0.9, weight_decay=decay)
        found = {key: group[key] for key in expected}
        assert found == pytest.approx(expected), name
    assert seen | {'neck'} == {'backbone', 'neck', 'fusion', 'decode_head', 'audio_backbone'}
    assert ('neck' in seen) == model.with_neck


def test_rates_in_the_first_middle_and_last_step(cfg, recipe):
    """Polynomial with power 0.9 in each step, without warm-up; constant on the audio side."""
    model, wrapper = build(cfg)
    mini = isinstance(recipe, MiniRecipe)
    total = recipe.epochs * EPOCH_LENGTH if recipe.epochs else recipe.steps
    groups = wrapper.optimizer.param_groups
    names = groups_by_name(model, wrapper.optimizer)
    audio = {id(group) for name, group in names.items() if name.startswith('audio_backbone') and not mini}
    first = [group['lr'] for group in groups]
    # mmengine's own schedule, of the mini sets, ends one step early, at 0
    last = total - 1 if mini else total
    for step, rates in rates_over_training(cfg, wrapper, total).items():
        factor = (1 - step / last) ** 0.9
        expected = [lr * (1 if id(group) in audio else factor) for lr, group in zip(first, groups, strict=True)]
        assert rates == pytest.approx(expected, rel=1e-9), step


def test_length_and_batch(cfg, recipe):
    if recipe.epochs:
        assert cfg.train_cfg.max_epochs == recipe.epochs
    else:
        assert cfg.train_cfg.max_iters == recipe.steps
    assert cfg.auto_scale_lr.base_batch_size == recipe.batch, 'the rates are not for this number of images a step'
    assert recipe.batch % cfg.train_dataloader.batch_size == 0
    assert not cfg.auto_scale_lr.enable


def test_golden_segmentation_head_has_the_higher_rate(golden_file):
    """As many values as the reference's ``segment`` has parameters: ASPP, reduction of stage 1, and classifier."""
    keys = json.loads(golden_file('keys_vpo_stereo_r50.json').read_text())
    buffers = ('running_mean', 'running_var', 'num_batches_tracked')
    reference = sum(math.prod(s) for key, s in keys.items() if key.startswith('segment.') and not key.endswith(buffers))
    _, wrapper = build(load('cavp/cavp_r50_vpo-msmi.py'))
    high = [group for group in wrapper.optimizer.param_groups if group['lr'] == pytest.approx(10 * VPO.lr)]
    assert sum(p.numel() for group in high for p in group['params']) == reference

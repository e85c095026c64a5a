import pytest
import torch
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

WRAPPER = dict(type='OptimWrapper', optimizer=dict(type='SGDAdam', lr=0.1, momentum=0.9, weight_decay=0.05))


class Model(nn.Module):
    """The parts that the constructor tells apart, and the layers whose parameters are not to decay."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.GroupNorm(2, 4))
        self.neck = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), nn.SyncBatchNorm(4))
        self.fusion = nn.ModuleList([nn.Linear(4, 4), nn.LayerNorm(4), nn.MultiheadAttention(4, 2)])
        self.decode_head = nn.Conv2d(4, 2, 1)
        self.audio_backbone = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 4))
        self.embedding = nn.Parameter(torch.zeros(3))
        self.audio_backbone[2].weight.requires_grad_(False)


def build(model, **paramwise):
    constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(
        dict(type='AVOptimWrapperConstructor', optim_wrapper_cfg=WRAPPER, paramwise_cfg=paramwise or None)
    )
    return constructor(model)


def options(model, wrapper):
    """Group options of each parameter by name."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {}
    for group in wrapper.optimizer.param_groups:
        for parameter in group['params']:
            assert names[id(parameter)] not in found
            found[names[id(parameter)]] = group
    return found


def test_every_trainable_parameter_is_in_one_group():
    model = Model()
    found = options(model, build(model))
    assert set(found) == {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_norms_and_biases_do_not_decay():
    model = Model()
    decays = {name for name, group in options(model, build(model)).items() if group['weight_decay']}
    assert decays == {
        'backbone.0.weight',
        'neck.0.weight',
        'fusion.0.weight',
        'fusion.2.in_proj_weight',
        'fusion.2.out_proj.weight',
        'decode_head.weight',
        'embedding',
    }
    assert {group['weight_decay'] for group in options(model, build(model)).values()} == {0.0, 0.05}


def test_learning_rates_and_algorithms():
    model = Model()
    for name, group in options(model, build(model, audio_lr=0.003, audio_weight_decay=0.2)).items():
        part = name.split('.')[0]
        audio = part == 'audio_backbone'
        lr = 0.003 if audio else 1.0 if part in ('neck', 'decode_head') else 0.1
        assert group['lr'] == pytest.approx(lr), name
        assert group['algorithm'] == ('adam' if audio else 'sgd'), name
        assert group['constant_lr'] == audio
        if audio:
            assert group['weight_decay'] == 0.2


def test_other_parts_and_factors():
    model = Model()
    found = options(model, build(model, head_keys=('fusion',), head_lr_mult=2.0, audio_keys=('backbone',)))
    assert found['fusion.0.weight']['lr'] == 0.2 and found['neck.0.weight']['lr'] == 0.1
    assert found['backbone.0.weight']['algorithm'] == 'adam' and found['backbone.0.weight']['lr'] == 0.1
    assert found['audio_backbone.0.weight']['algorithm'] == 'sgd'


def test_wrapper_options_are_passed_on_and_configs_stay_as_they_are():
    before = dict(WRAPPER, optimizer=dict(WRAPPER['optimizer']))
    constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(
        dict(
            type='AVOptimWrapperConstructor',
            optim_wrapper_cfg=dict(WRAPPER, accumulative_counts=3, clip_grad=dict(max_norm=1.0)),
        )
    )
    wrapper = constructor(Model())
    assert wrapper._accumulative_counts == 3 and wrapper.clip_grad_kwargs == dict(max_norm=1.0)
    assert before == WRAPPER


def test_every_group_steps():
    model = Model()
    wrapper = build(model)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    wrapper.update_params(sum((parameter + 1).square().sum() for parameter in model.parameters()))
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) == (not parameter.requires_grad), name


def test_unknown_option_is_named():
    message = (
        r"paramwise_cfg\.norm_decay is not known to AVOptim.*; did you mean 'norm_decay_mult'\? Its keys are head_keys"
    )
    with pytest.raises(ValueError, match=message):
        build(Model(), norm_decay=0.0, custom_keys={})

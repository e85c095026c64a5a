import inspect
import re

import pytest
import torch
from mmengine.optim import DefaultOptimWrapperConstructor
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from mmavs.engine.optimizers.paramwise import DEFAULT_KEYS, check_paramwise_cfg

WRAPPER = dict(type='OptimWrapper', optimizer=dict(type='SGDAdam', lr=0.1, momentum=0.9, weight_decay=0.05))


class Model(nn.Module):
    """The parts that the constructor distinguishes, and layers without weight decay."""

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


def test_wrapper_options_are_passed_on_and_configs_do_not_change():
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


def test_every_group_is_updated():
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


def test_rules_of_mmengine_apply():
    model = Model()
    keys = {'fusion.0': dict(lr_mult=0.5, decay_mult=2.0), 'audio_backbone.0': dict(lr=0.7, note='frozen later')}
    found = options(model, build(model, custom_keys=keys, norm_decay_mult=0.5, bias_lr_mult=3.0))
    for name in ('fusion.0.weight', 'fusion.0.bias'):
        assert found[name]['lr'] == pytest.approx(0.05) and found[name]['weight_decay'] == pytest.approx(0.1)
    audio = found['audio_backbone.0.weight']
    assert (audio['lr'], audio['note'], audio['algorithm'], audio['constant_lr']) == (0.7, 'frozen later', 'adam', True)
    assert found['audio_backbone.2.bias']['lr'] == 0.1  # not matched
    assert found['backbone.1.weight']['weight_decay'] == pytest.approx(0.025)
    assert found['backbone.0.bias']['lr'] == pytest.approx(0.3) and found['backbone.0.bias']['weight_decay'] == 0


def test_parameters_of_equal_settings_form_one_group():
    wrapper = build(Model(), custom_keys={'fusion': dict(lr_mult=2.0)})
    names = [group['name'] for group in wrapper.optimizer.param_groups]
    assert sorted(names) == ['audio', 'head', 'head, norms and biases', 'visual', 'visual', 'visual, norms and biases']


@pytest.mark.parametrize(
    'constructor, key, message',
    [
        ('AVOptimWrapperConstructor', 'audio_lrr', "did you mean 'audio_lr'"),
        (None, 'audio_lr', r"custom_keys={'audio_backbone': dict\(lr_mult=\.\.\.\)}.*AVOptimWrapperConstructor"),
        (None, 'custom_key', "did you mean 'custom_keys'.*custom_keys, bias_lr_mult"),
    ],
)
def test_keys_that_the_constructor_does_not_read_are_refused(constructor, key, message):
    wrapper = dict(WRAPPER, constructor=constructor, paramwise_cfg={'bypass_duplicate': True, key: 0.1})
    with pytest.raises(ValueError, match=f'paramwise_cfg.{key} is not known to .*{message}'):
        check_paramwise_cfg(wrapper)


def test_keys_of_other_constructors_are_not_checked():
    check_paramwise_cfg(dict(constructor='LayerDecayOptimizerConstructor', paramwise_cfg=dict(num_layers=6)))


def test_known_keys_are_those_that_mmengine_reads():
    read = re.findall(r"paramwise_cfg(?:\.get\(|\[)'(\w+)'", inspect.getsource(DefaultOptimWrapperConstructor))
    assert set(read) == set(DEFAULT_KEYS), 'mmengine reads other keys of paramwise_cfg: change DEFAULT_KEYS'


def test_learning_rate_of_the_backbone():
    """The audio backbone and other visual parts keep theirs; norms and biases still do not decay."""
    model = Model()
    before, found = options(model, build(model)), options(model, build(model, backbone_lr_mult=0.5))
    for name, group in found.items():
        factor = 0.5 if name.startswith('backbone.') else 1
        assert group['lr'] == pytest.approx(factor * before[name]['lr']), name
        assert group['weight_decay'] == before[name]['weight_decay'] and group['algorithm'] == before[name]['algorithm']
    assert found['backbone.0.weight']['name'] == 'backbone'

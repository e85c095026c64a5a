"""The converters of released TPAVI and AVSegFormer checkpoints, with the names and shapes of their weights."""

import json

import avsegformer2mmavs
import pytest
import torch
import tpavi2mmavs
from mmengine.config import Config
from mmseg.registry import MODELS

CONVERTERS = {'tpavi': tpavi2mmavs, 'avsegformer': avsegformer2mmavs}
UNUSED = {'tpavi': 'a unit of the coarsest stage', 'avsegformer': 'a feature pyramid, which is not used'}


def blank(shapes):
    """Tensors of these shapes that take no space in a file."""
    return {name: torch.zeros(()).expand(tuple(shape)) for name, shape in shapes.items()}


@pytest.fixture(params=CONVERTERS)
def released(request, golden_file):
    return request.param, blank(json.loads(golden_file(f'keys_{request.param}_r50_s4.json').read_text()))


def convert(tmp_path, method, content, **options):
    torch.save({f'module.{name}': value for name, value in content.items()}, tmp_path / 'released.pth')
    return CONVERTERS[method].convert(tmp_path / 'released.pth', tmp_path / 'out', **options)


def test_all_golden_keys_are_converted_or_listed(released, tmp_path, capsys):
    method, content = released
    path = convert(tmp_path, method, content)
    out = capsys.readouterr().out
    checkpoint = torch.load(path, weights_only=True)
    unused = [name for name in content if f'{name},' in out or f'{name} (' in out]
    assert len(checkpoint['state_dict']) == len(content) - len(unused)
    assert UNUSED[method] in out and 'a second branch of the backbone' in out and 'add them by --vggish' in out
    assert len(checkpoint['meta']['dataset_meta']['classes']) == 2
    model = Config.fromfile(path.with_suffix('.py')).model
    assert model.decode_head.out_channels == 1 and model.backbone.depth == 50


def test_vggish_is_added(released, tmp_path):
    method, content = released
    with torch.device('meta'):
        audio = MODELS.build(dict(type='VGGish'))
    torch.save(blank({name: value.shape for name, value in audio.state_dict().items()}), tmp_path / 'vggish.pth')
    path = convert(tmp_path, method, content, vggish=tmp_path / 'vggish.pth')
    names = torch.load(path, weights_only=True)['state_dict']
    assert {f'audio_backbone.{name}' for name in audio.state_dict()} <= set(names)


def test_missing_and_further_entries_are_named(released, tmp_path):
    method, content = released
    name = {'tpavi': 'path2.resConfUnit1.conv1.bias', 'avsegformer': 'head.lateral_conv.1.bias'}[method]
    value = content.pop(name)
    with pytest.raises(ValueError, match=f'1 missing: {name}'):
        convert(tmp_path, method, content)
    with pytest.raises(ValueError, match='unexpected: surplus.weight'):
        convert(tmp_path, method, {**content, name: value, 'surplus.weight': value})


def test_other_networks_are_refused(released, tmp_path):
    method, content = released
    other = next(name for name in CONVERTERS if name != method)
    with pytest.raises(ValueError, match='not weights of'):
        convert(tmp_path, other, content)
    classifier = CONVERTERS[method].METHOD.classifier
    with pytest.raises(ValueError, match='r50 and 22 outputs; there are r50 with 1'):
        convert(tmp_path, method, {**content, classifier: torch.zeros(22, 32, 1, 1)})


@pytest.mark.slow
@pytest.mark.parametrize('method', CONVERTERS)
def test_pvt_of_the_authors_has_timms_names(method, tmp_path):
    """With names of the authors' PVT-v2, made from timm's."""
    pytest.importorskip('timm')
    from conversion.baselines import CONFIGS
    from conversion.configs import build_on_meta

    METHOD = CONVERTERS[method].METHOD
    model = build_on_meta(Config.fromfile(CONFIGS / f'{METHOD.configs["pvtv2-b5", 1][0]}.py'))
    content = {}
    for name, value in model.state_dict().items():
        if name.startswith('backbone.'):
            content[f'{METHOD.backbones[-1]}.{authors_name(name.removeprefix("backbone.timm_model."))}'] = value.shape
        elif not name.startswith('audio_backbone.'):
            shape = value.shape
            if method == 'tpavi' and name.startswith('fusion.blocks.') and name.split('.')[3] in ('theta', 'g', 'phi'):
                shape = (*shape, *[1] * (5 - len(shape))) if len(shape) > 1 else shape
            if method == 'tpavi' and name.endswith('out_conv.weight'):
                shape = (*shape, 1)
            content[METHOD.renaming.original(name)] = shape
    path = convert(tmp_path, method, blank(content))
    assert len(torch.load(path, weights_only=True)['state_dict']) == len(content)


def authors_name(name):
    parts = name.replace('mlp.dwconv', 'mlp.dwconv.dwconv').split('.')
    if parts[0] == 'patch_embed':
        return '.'.join(['patch_embed1', *parts[1:]])
    stage = int(parts[0].removeprefix('stages_')) + 1
    if parts[1] == 'downsample':
        return '.'.join([f'patch_embed{stage}', *parts[2:]])
    return '.'.join([f'norm{stage}' if parts[1] == 'norm' else f'block{stage}', *parts[2:]])

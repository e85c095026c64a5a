"""tools/analysis_tools/get_flops.py against operations counted by hooks on the layers."""

import math
import sys
from pathlib import Path

import pytest
import torch
from mmseg.registry import MODELS
from shipped_configs import load
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools' / 'analysis_tools'))  # as when the tool is run

import get_flops  # noqa: E402

PAGE = ROOT / 'configs' / 'cavp' / 'README.md'


def operations(module, inputs, output):
    """Operations of a layer; a multiplication and its addition are one."""
    if isinstance(module, nn.Conv2d):
        return output.numel() * module.in_channels // module.groups * math.prod(module.kernel_size)
    if isinstance(module, nn.Linear):
        return output.numel() * module.in_features
    return {nn.BatchNorm2d: 2, nn.LayerNorm: 5}.get(type(module), 0) * output.numel()


def count_by_layers(cfg, shape):
    """(parameters, operations) of each part, without values."""
    options = cfg.model.to_dict()
    options.pop('data_preprocessor')
    counts = {}
    with torch.device('meta'):
        model = MODELS.build(options).eval()
        for part in get_flops.PARTS:
            for module in getattr(model, part).modules():
                module.register_forward_hook(
                    lambda m, i, o, part=part: (
                        counts.update({part: counts.get(part, 0) + operations(m, i, o)}) if torch.is_tensor(o) else None
                    )
                )
        audio = torch.empty(1, *get_flops.spectrogram_shape(cfg))
        model(dict(img=torch.empty(1, 3, *shape), audio=audio), mode='tensor')
    counts['neck'] += 4 * 256 * math.prod(_quarter(shape))  # bilinear upsampling to stage 1
    # Products of the pixels with the keys and values of 4 heads, and of these with the weights, once for each image.
    counts['fusion'] += 2 * 4 * 304 * math.prod(_quarter(shape)) + 2 * 304 * 304
    return {part: (sum(p.numel() for p in getattr(model, part).parameters()), counts[part]) for part in get_flops.PARTS}


def _quarter(shape):
    return [math.ceil(length / 4) for length in shape]


STEM = 'model.backbone.stem_channels=128'


def released(name, depth=50):
    """The config of a released network: one of the repository with the stem of the authors."""
    config = load(f'cavp/{name}.py')
    config.model.backbone.update(depth=depth, stem_channels=128, init_cfg=None)
    return config


@pytest.fixture
def cfg():
    return released('cavp_r50-d8_2xb8-80e_vpo-msmi-512x512')


def test_each_part_and_all_of_it(cfg):
    found = get_flops.count(cfg, (64, 96))
    assert list(found) == [*get_flops.PARTS, get_flops.TOTAL]
    for part, (parameters, flops) in count_by_layers(cfg, (64, 96)).items():
        assert found[part].parameters == parameters
        assert found[part].flops == pytest.approx(flops, rel=1e-4), part
    for numbers in zip(*found.values(), strict=True):
        assert numbers[-1] == sum(numbers[:-1])
    assert found['audio_backbone'].activations > 304 and found['fusion'].activations > 24 * 16 * 304


def test_the_tables_of_the_page(cfg):
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in PAGE.read_text().splitlines() if '|' in line]
    parts = {row[0]: row[1:] for row in rows if len(row) == 4 and row[0] in (*get_flops.PARTS, get_flops.TOTAL)}
    counted = count_by_layers(cfg, (512, 512))
    counted[get_flops.TOTAL] = [sum(column) for column in zip(*counted.values(), strict=True)]
    assert {part: row[:2] for part, row in parts.items()} == {
        part: [f'{parameters / 1e6:.2f}', f'{flops / 1e9:.2f}'] for part, (parameters, flops) in counted.items()
    }


@pytest.mark.parametrize('depth', [50, 101])
def test_the_released_networks_on_the_page(depth):
    vpo, avs = 'cavp_r50-d8_2xb8-80e_vpo-msmi', 'cavp_r50-d16_1xb16-'
    names = {
        '22, stereo': f'{vpo}-512x512', '22, mono': f'{vpo}-mono-512x512',
        '71, mono': f'{avs}80e_avss-512x512', '71, mono, 224 x 224': f'{avs}80e_avss-224x224',
        '2, mono': f'{avs}60e_avsbench-s4-512x512', '2, mono, 224 x 224': f'{avs}60e_avsbench-s4-224x224',
    }  # fmt: skip
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in PAGE.read_text().splitlines() if '|' in line]
    found = {row[0]: row[2:] for row in rows if row[0] in names}
    for row, name in names.items():
        config = released(name, depth)
        counted = count_by_layers(config, config.model.data_preprocessor.size).values()
        total = [f'{sum(parameters for parameters, _ in counted) / 1e6:.2f}', f'{sum(f for _, f in counted) / 1e9:.2f}']
        assert [cell.split(', ')[depth == 101] for cell in found[row]] == total, name


def test_the_command_line(cfg, tmp_path, capsys):
    get_flops.main([cfg.filename, '--shape', '64', '--cfg-options', 'model.backbone.depth=101', STEM])
    out = capsys.readouterr().out
    assert 'image 64 x 64, 300 frames' in out and '| decode_head | 1.30 |' in out and '| total | 72.25 |' in out
    with pytest.raises(SystemExit):
        get_flops.main([cfg.filename, '--shape', '64', '64', '64'])

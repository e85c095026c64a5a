"""The converter of released CAVP checkpoints, with weights that have the right names and shapes and no values."""

import argparse
import json
import pickle
from hashlib import sha256

import cavp2mmavs
import pytest
import torch
from conversion.cavp import RENAMING, identify
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.apis import MMSegInferencer, init_model
from shipped_configs import load

from mmavs.datasets import VPODataset

CONFIGS = cavp2mmavs.CONFIGS
BASE = 'cavp_r50-d8_2xb8-80e_vpo-msmi-512x512'
NAME = 'cavp_r50-released_vpo-msmi'


def blank(shapes):
    """Tensors of these shapes that take no space in a file."""
    return {name: torch.zeros(()).expand(tuple(shape)) for name, shape in shapes.items()}


def network_config(base=BASE, depth=50):
    """The config of a released network: one of the repository with the authors' stem."""
    cfg = load(f'cavp/{base}.py')
    cfg.model.backbone.update(depth=depth, stem_channels=128, init_cfg=None)
    return cfg


def released(base=BASE, depth=50):
    """Names and shapes that a released checkpoint of the network of a config has."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = cavp2mmavs._build_on_meta(network_config(base, depth))
    shapes = {RENAMING.original(key): value.shape for key, value in model.state_dict().items()}
    unused = {'cross_att.pos_embed_v': (1, 16384, 304), 'audio_backbone.cls_head.weight': (2, 304)}
    return blank({**shapes, **unused})


def convert(tmp_path, content, **options):
    torch.save(content, tmp_path / 'released.pth')
    return cavp2mmavs.convert(tmp_path / 'released.pth', tmp_path / 'out', **options)


@pytest.mark.parametrize('network', ['vpo_stereo_r50', 'avss_r50'])
def test_all_golden_keys_are_converted_or_listed(golden_file, tmp_path, capsys, network):
    shapes = json.loads(golden_file(f'keys_{network}.json').read_text())
    path = convert(tmp_path, blank(shapes))
    out = capsys.readouterr().out
    assert len(torch.load(path, weights_only=True)['state_dict']) == len(shapes) - 4
    assert 'left out: cross_att.pos_embed_v, cross_att.pos_embed_a (position embeddings' in out
    assert 'left out: audio_backbone.cls_head.weight, audio_backbone.cls_head.bias (classification head' in out


@pytest.mark.parametrize('network', ['tpavi_r50_s4', 'avsegformer_r50_s4'])
def test_golden_keys_of_other_methods_are_refused(golden_file, tmp_path, network):
    shapes = json.loads(golden_file(f'keys_{network}.json').read_text())
    with pytest.raises(ValueError, match='not weights of CAVP: .* missing; found'):
        convert(tmp_path, blank(shapes))


VPO, S4, AVSS = 'cavp_r50-d8_2xb8-80e_vpo-', 'cavp_r50-d16_1xb16-60e_avsbench-', 'cavp_r50-d16_1xb16-80e_avss-'


@pytest.mark.parametrize('depth', [50, 101])
@pytest.mark.parametrize(
    'data, bases',
    [
        ('vpo-msmi', [f'{VPO}{subset}-512x512' for subset in ('msmi', 'ms', 'ss')]),
        ('vpo-msmi-mono', [f'{VPO}{subset}-mono-512x512' for subset in ('msmi', 'ms', 'ss')]),
        ('avss', [f'{AVSS}512x512', f'{AVSS}224x224']),
        ('avsbench-s4', [f'{S4}{part}' for part in ('s4-512x512', 'ms3-512x512', 's4-224x224', 'ms3-224x224')]),
    ],
)
def test_every_released_network_is_identified(depth, data, bases):
    """Each config that the converter offers has the model of the weights."""
    weights = released(bases[0], depth)
    network = identify(weights)
    assert network.name == f'cavp_r{depth}-released_{data}' and network.base_configs == bases
    first, *others = (network_config(base, depth).model for base in bases)
    for other in others:
        other.data_preprocessor.size = first.data_preprocessor.size
        assert other == first


def test_the_written_config_is_complete(tmp_path, capsys):
    path = convert(tmp_path, released(depth=101))
    written = path.with_suffix('.py')
    assert f'test it with: python tools/test.py {written} {path}' in capsys.readouterr().out
    assert '_base_ =' not in written.read_text() and str(CONFIGS.parent) not in written.read_text()
    assert Config.fromfile(written).to_dict() == network_config(depth=101).to_dict()


def test_the_config_of_another_test_set_keeps_the_network_of_the_file(tmp_path):
    base = f'{AVSS}224x224'
    path = convert(tmp_path, released(f'{AVSS}512x512', 101), config=CONFIGS / f'{base}.py')
    cfg = Config.fromfile(path.with_suffix('.py'))
    assert cfg.to_dict() == network_config(base, 101).to_dict() and cfg.crop_size == (224, 224)


@pytest.mark.parametrize(
    'wrap',
    [
        lambda weights: weights,
        lambda weights: {f'module.{name}': value for name, value in weights.items()},
        lambda weights: dict(epoch=3, args=argparse.Namespace(lr=0.1), model=weights, optimizer=dict(state={}, lr=1)),
        lambda weights: dict(best=dict(state_dict={f'module.module.{n}': v for n, v in weights.items()}, score=0.5)),
    ],
    ids=['plain', 'module', 'in a dict', 'deep in a dict'],
)
def test_formats_give_the_same_file(tmp_path, capsys, wrap):
    weights = released()
    path = convert(tmp_path, wrap(weights))
    assert path == convert(tmp_path, weights)
    assert path.name == f'{NAME}-{sha256(path.read_bytes()).hexdigest()[:8]}.pth'
    out = capsys.readouterr().out
    assert ('left out: epoch, args, optimizer (not part' in out) == ('epoch' in wrap(weights))
    assert set(path.parent.iterdir()) == {path, path.with_suffix('.py')}


def test_several_sets_of_weights_need_a_choice(tmp_path):
    content = dict(model=released(), ema=released())
    with pytest.raises(ValueError, match='several entries: model, ema. Choose one with --entry'):
        convert(tmp_path, content)
    assert convert(tmp_path, content, entry='ema').is_file()


def change(**changes):
    def changed(weights):
        for name, value in changes.items():
            key = name.replace('__', '.')
            if value is None:
                del weights[key]
            else:
                weights[key] = torch.zeros(()).expand(value)
        return weights

    return changed


@pytest.mark.parametrize(
    'change, message',
    [
        (
            change(segment__upsample__classifier__weight=(24, 256, 1, 1)),
            'found ResNet-50 .* stereo .*, 24 classes, whi',
        ),
        (change(backbone__backbone__conv1__6__weight=None), 'found ResNet-50 with no deep stem'),
        (change(backbone__backbone__layer3__6__conv1__weight=(1,)), r'a ResNet with \(3, 4, 7, 3\) blocks'),
        (change(cross_att__norm__weight=None), r'1 missing: cross_att.norm.weight \(304,\)'),
        (change(cross_att__extra__weight=(3, 4)), r'1 unexpected: cross_att.extra.weight \(3, 4\)'),
        (change(cross_att__norm__weight=(5,)), r'1 of another shape: cross_att.norm.weight \(5,\) instead of \(304,\)'),
        (change(backbone__backbone__conv1__7__weight=(128,)), 'both become backbone.stem.7.weight'),
    ],
)
def test_unexpected_entries_are_named(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        convert(tmp_path, change(released()))
    assert not (tmp_path / 'out').exists()


def test_a_network_of_your_own_by_its_config(tmp_path):
    config = tmp_path / 'own.py'
    config.write_text(
        f'_base_ = {str(CONFIGS / "cavp_r50_vpo-ms.py")!r}\n'
        'model = dict(backbone=dict(stem_channels=128, init_cfg=None), decode_head=dict(num_classes=3))\n'
        "test_dataloader = dict(dataset=dict(metainfo=dict(classes=('background', 'cat', 'dog'))))\n"
    )
    weights = released()
    for part in ('weight', 'bias'):
        key = f'segment.upsample.classifier.{part}'
        weights[key] = weights[key][:3]
    path = convert(tmp_path, weights, config=str(config))
    assert path.name.startswith('own-')
    assert torch.load(path, weights_only=True)['meta']['dataset_meta']['classes'] == ('background', 'cat', 'dog')


class Harmful:
    def __reduce__(self):
        return print, ('this ran',)


@pytest.mark.parametrize(
    'content, message',
    [
        (pickle.dumps(Harmful()), 'was not loaded'),
        (b'<!DOCTYPE html><title>Sign in</title>', 'is not a checkpoint: .* may be a web page; download'),
        (b'', 'the file is empty'),
        (b'PK\x03\x04 cut short', 'truncated or not a checkpoint'),
        (pickle.dumps({}, protocol=2)[:2], 'truncated or not a checkpoint'),  # the format of torch before 1.6
    ],
)
def test_files_that_are_no_weights(tmp_path, capfd, content, message):
    (tmp_path / 'bad.pth').write_bytes(content)
    with pytest.raises(SystemExit, match=f'error: .*bad.pth .*{message}'):
        cavp2mmavs.main([str(tmp_path / 'bad.pth'), str(tmp_path / 'out')])
    assert 'this ran' not in capfd.readouterr().out and not (tmp_path / 'out').exists()


def test_a_full_disk_leaves_nothing(tmp_path, small_disk):
    torch.save(released(), tmp_path / 'released.pth')
    with small_disk(1000), pytest.raises(OSError):
        cavp2mmavs.convert(tmp_path / 'released.pth', tmp_path / 'out')
    assert not list(tmp_path.glob('out/*'))


@pytest.fixture
def converted(tmp_path):
    return convert(tmp_path, {name: value.contiguous() for name, value in released().items()})


def test_mmseg_takes_classes_and_colors_from_the_file(converted):
    cfg = Config.fromstring(torch.load(converted, weights_only=True)['meta']['cfg'], file_format='.py')
    assert cfg.to_dict() == network_config().to_dict()
    model = init_model(cfg, str(converted), device='cpu')
    # mmseg's inferencer takes no audio, but it reads the classes if it gets a pipeline for images.
    cfg.test_dataloader.dataset.pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    for found in (model, MMSegInferencer(cfg, str(converted), device='cpu').model):
        assert tuple(found.dataset_meta['classes']) == VPODataset.METAINFO['classes']
        assert found.dataset_meta['palette'] == VPODataset.METAINFO['palette']


def test_tools_test_takes_the_file_and_refuses_other_classes(converted, run_tool, vpo_root):
    options = [f'test_dataloader.dataset.data_root={vpo_root}', 'test_dataloader.num_workers=0']
    options += ['test_dataloader.persistent_workers=False', 'test_dataloader.dataset.subset=ms']
    words = ('test.py', converted.with_suffix('.py'), converted, '--cfg-options')
    assert 'mIoU' in run_tool(*words, *options)
    fewer = "test_dataloader.dataset.metainfo.classes=['background','cat']"
    with pytest.raises(ValueError, match='was trained with other classes'):
        run_tool(*words, *options, fewer)

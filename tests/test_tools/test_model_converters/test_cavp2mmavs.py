"""The converter of released CAVP checkpoints, with weights that have the right names and shapes and no values."""

import argparse
import json
import pickle
from hashlib import sha256

import cavp2mmavs
import pytest
import torch
from conversion.cavp import RENAMING, recognise
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.apis import MMSegInferencer, init_model

from mmavs.datasets import VPODataset
from mmavs.engine import CheckpointClassesHook

CONFIGS = cavp2mmavs.CONFIGS
RELEASED = sorted(path.stem for path in CONFIGS.glob('*-released_*.py'))
STEREO = 'cavp_r50-released_vpo-msmi'


def blank(shapes):
    """Tensors of these shapes that take no space in a file."""
    return {name: torch.zeros(()).expand(tuple(shape)) for name, shape in shapes.items()}


def released(name=STEREO):
    """Names and shapes that a released checkpoint of the network of a config has."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = cavp2mmavs._build_on_meta(Config.fromfile(CONFIGS / f'{name}.py'))
    shapes = {RENAMING.original(key): value.shape for key, value in model.state_dict().items()}
    unused = {'cross_att.pos_embed_v': (1, 16384, 304), 'audio_backbone.cls_head.weight': (2, 304)}
    return blank({**shapes, **unused})


def convert(tmp_path, content, **options):
    torch.save(content, tmp_path / 'released.pth')
    return cavp2mmavs.convert(tmp_path / 'released.pth', tmp_path / 'out', **options)


@pytest.mark.parametrize('network', ['vpo_stereo_r50', 'avss_r50'])
def test_golden_keys_are_all_accounted_for(golden_file, tmp_path, capsys, network):
    shapes = json.loads(golden_file(f'keys_{network}.json').read_text())
    path = convert(tmp_path, blank(shapes))
    out = capsys.readouterr().out
    assert len(torch.load(path, weights_only=True)['state_dict']) == len(shapes) - 4
    assert 'left out: cross_att.pos_embed_v, cross_att.pos_embed_a (position embeddings' in out
    assert 'left out: audio_backbone.cls_head.weight, audio_backbone.cls_head.bias (class head' in out


@pytest.mark.parametrize('network', ['tpavi_r50_s4', 'avsegformer_r50_s4'])
def test_golden_keys_of_other_methods_are_refused(golden_file, tmp_path, network):
    shapes = json.loads(golden_file(f'keys_{network}.json').read_text())
    with pytest.raises(ValueError, match='no weights of CAVP: .* missing; found'):
        convert(tmp_path, blank(shapes))


@pytest.mark.parametrize('name', RELEASED)
def test_every_released_network_is_recognised_by_its_config(name):
    assert name in recognise(released(name)).configs()


def test_released_networks_differ_from_the_trainable_ones_in_what_must_differ():
    for name in RELEASED:
        cfg, trainable = (Config.fromfile(CONFIGS / f'{n}.py') for n in (name, _trainable(name)))
        assert cfg.model.backbone.stem_channels == 128 and cfg.model.backbone.depth == int(name[6:].split('-')[0])
        for config in (cfg, trainable):
            for key in ('stem_channels', 'init_cfg', 'depth'):
                config.model.backbone.pop(key, None)
        assert cfg.to_dict() == trainable.to_dict()
    assert len(RELEASED) == 24


def _trainable(name):
    return name.replace('-released', '').replace('r101', 'r50')


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
    assert path.name == f'{STEREO}-{sha256(path.read_bytes()).hexdigest()[:8]}.pth'
    out = capsys.readouterr().out
    assert ('left out: epoch, args, optimizer (not part' in out) == ('epoch' in wrap(weights))
    assert f'test it with: python tools/test.py configs/cavp/{STEREO}.py {path}' in out
    assert list(path.parent.iterdir()) == [path]


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
        (change(cross_att__extra__weight=(3, 4)), r'1 left over: cross_att.extra.weight \(3, 4\)'),
        (change(cross_att__norm__weight=(5,)), r'1 of another shape: cross_att.norm.weight \(5,\) instead of \(304,\)'),
        (change(backbone__backbone__conv1__7__weight=(128,)), 'both stand for backbone.stem.7.weight'),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name(tmp_path, change, message):
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
        (b'<!DOCTYPE html><title>Sign in</title>', 'can not be read: .* is it a web page'),
        (b'', 'the file is empty'),
        (b'PK\x03\x04 cut short', 'cut short or no checkpoint'),
        (pickle.dumps({}, protocol=2)[:2], 'cut short or no checkpoint'),  # the format of torch before 1.6
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


def test_mmseg_takes_classes_and_colours_from_the_file(converted):
    cfg = Config.fromstring(torch.load(converted, weights_only=True)['meta']['cfg'], file_format='.py')
    assert cfg.to_dict() == Config.fromfile(CONFIGS / f'{STEREO}.py').to_dict()
    model = init_model(cfg, str(converted), device='cpu')
    # mmseg's own inferencer knows no sound; with a pipeline that it takes it has the right classes all the same.
    cfg.test_dataloader.dataset.pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    for found in (model, MMSegInferencer(cfg, str(converted), device='cpu').model):
        assert tuple(found.dataset_meta['classes']) == VPODataset.METAINFO['classes']
        assert found.dataset_meta['palette'] == VPODataset.METAINFO['palette']


def test_tools_test_takes_the_file_and_refuses_other_classes(converted, run_tool, vpo_root):
    options = [f'test_dataloader.dataset.data_root={vpo_root}', 'test_dataloader.num_workers=0']
    options += ['test_dataloader.persistent_workers=False', 'test_dataloader.dataset.subset=ms']
    words = ('test.py', CONFIGS / f'{STEREO}.py', converted, '--cfg-options')
    assert 'mIoU' in run_tool(*words, *options)
    hook = CheckpointClassesHook()
    hook.after_load_checkpoint(None, torch.load(converted, weights_only=True))
    assert hook._classes == VPODataset.METAINFO['classes']
    fewer = "test_dataloader.dataset.metainfo.classes=['background','cat']"
    with pytest.raises(ValueError, match='was trained with other classes'):
        run_tool(*words, *options, fewer)

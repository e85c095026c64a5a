"""Every config can be built, without data and without downloads."""

import json
import math
from pathlib import Path

import pytest
import torch
from av_model import without_downloads
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS, HOOKS, LOOPS, METRICS, MODELS, PARAM_SCHEDULERS, RUNNERS, VISUALIZERS

import mmavs  # noqa: F401

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
LEAVES = sorted(path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts)
MOST_LINES = 50


def load(name):
    return Config.fromfile(CONFIGS / name)


def build_model(cfg):
    """Shapes without values: fast, and as large a network as one likes."""
    model = without_downloads(cfg.model.to_dict())
    del model['data_preprocessor']
    if model['backbone']['type'] == 'TIMMBackbone':
        pytest.importorskip('timm')
    # mmseg's transformers compute numbers with tensors while they are built, which need values.
    with torch.device('cpu' if 'Transformer' in model['backbone']['type'] else 'meta'):
        return MODELS.build(model)


def parts(dataset):
    """The datasets that a config joins, or the only one."""
    return dataset.get('datasets', [dataset])


def count(module):
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture(scope='module', params=LEAVES, ids=lambda path: path.stem)
def cfg(request):
    return Config.fromfile(request.param)


def test_there_are_configs():
    assert len(LEAVES) >= 12


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_a_leaf_states_only_what_differs(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


def test_model_and_optimizer_build(cfg):
    model = build_model(cfg)
    assert type(model).__name__ == cfg.model.type
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    grouped = [id(parameter) for group in wrapper.optimizer.param_groups for parameter in group['params']]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    for scheduler in cfg.param_scheduler:
        options = {key: value for key, value in scheduler.items() if key not in ('type', 'convert_to_iter_based')}
        PARAM_SCHEDULERS.get(scheduler['type'])(optimizer=wrapper.optimizer, **options)


def test_data_preprocessor_fits_the_pipeline(cfg):
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    loaders = (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)
    for dataset in (part for loader in loaders for part in parts(loader.dataset)):
        (load_audio,) = (step for step in dataset.pipeline if step['type'] == 'LoadAudio')
        samples = round(16000 * load_audio['duration'])
        assert load_audio['channels'] == cfg.model.audio_backbone.get('in_channels', 1)  # VGGish hears mono only
        channels = load_audio['channels']
        log_mel = preprocessor.log_mel(torch.zeros(1, channels, samples))
        assert log_mel.shape == (1, channels, cfg.model.data_preprocessor.num_frames, 64)


def test_datasets_pipelines_and_metrics_build(cfg):
    for loader, evaluator in (
        (cfg.train_dataloader, None),
        (cfg.val_dataloader, cfg.val_evaluator),
        (cfg.test_dataloader, cfg.test_evaluator),
    ):
        for part in parts(loader.dataset):
            dataset = DATASETS.build(dict(part, lazy_init=True))
            assert len(dataset.metainfo['classes']) == cfg.model.decode_head.num_classes
            Compose(part.pipeline)
        if evaluator is not None:
            for metric in evaluator if isinstance(evaluator, list) else [evaluator]:
                METRICS.build(metric)
            assert dataset.test_mode
    tta = Compose(cfg.tta_pipeline)
    assert len(tta.transforms[-1].subroutines) > 1


def test_run_time_settings_build(cfg):
    for hook in cfg.default_hooks.values():
        assert HOOKS.get(hook['type']) is not None, hook['type']
    for name, registry in ((cfg.runner_type, RUNNERS), (cfg.train_cfg.type, LOOPS)):
        assert registry.get(name) is not None, name
    assert VISUALIZERS.get(cfg.visualizer.type) is not None
    assert cfg.custom_imports == dict(imports=['mmavs'], allow_failed_imports=False)
    assert not cfg.resume and cfg.load_from is None
    assert cfg.default_hooks.checkpoint.max_keep_ckpts >= 2, 'one that is cut short must leave another'
    by_epoch = cfg.train_cfg.get('by_epoch', 'EpochBased' in cfg.train_cfg.type)
    assert cfg.default_hooks.checkpoint.by_epoch == cfg.log_processor.by_epoch == by_epoch
    steps = cfg.train_cfg.max_epochs if by_epoch else cfg.train_cfg.max_iters
    assert cfg.param_scheduler[-1]['end'] == steps and cfg.param_scheduler[-1]['by_epoch'] == by_epoch


@pytest.mark.parametrize('subset', ['ss', 'ms', 'msmi'])
@pytest.mark.parametrize('sound, channels', [('', 2), ('-mono', 1)])
@pytest.mark.parametrize('depth', [50, 101])
def test_names_of_the_paper_configs_say_what_they_are(depth, subset, sound, channels):
    cfg = load(f'cavp/cavp_r{depth}_vpo-{subset}{sound}.py')
    assert cfg.model.backbone.depth == depth
    assert f'resnet{depth}' in cfg.model.backbone.init_cfg.checkpoint
    assert cfg.model.audio_backbone.in_channels == channels
    for loader, split in (
        (cfg.train_dataloader, 'train'),
        (cfg.val_dataloader, ['test', 'val']),
        (cfg.test_dataloader, ['test', 'val']),
    ):
        assert (loader.dataset.subset, loader.dataset.split) == (subset, split)
    for pipeline in (cfg.train_pipeline, cfg.test_pipeline, cfg.tta_pipeline):
        assert pipeline[1].channels == channels


AVSBENCH = {
    'avsbench-s4': ('AVSBenchObjectDataset', dict(subset='s4'), 60),
    'avsbench-ms3': ('AVSBenchObjectDataset', dict(subset='ms3'), 60),
    'avss': ('AVSBenchSemanticDataset', dict(subsets=('v1s', 'v1m', 'v2')), 80),
}


@pytest.mark.parametrize('size', [None, 224])
@pytest.mark.parametrize('name', AVSBENCH)
def test_names_of_the_avsbench_configs_say_what_they_are(name, size):
    cfg = load(f'cavp/cavp_r50_{name}{"" if size is None else f"-{size}"}.py')
    kind, part, epochs = AVSBENCH[name]
    for split in ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        assert (dataset.type, dataset.split) == (kind, split)
        assert all(dataset[key] == value for key, value in part.items())
        loading = {step['type']: step for step in dataset.pipeline if step['type'].startswith('Load')}
        assert loading['LoadAudio']['duration'] == 1.0
        for step in ('LoadFrame', 'LoadAVAnnotations'):
            assert loading[step].get('size') == (None if size is None else (size, size)), 'scored at its own size'
    scales = [t[0].scale_factor for step in cfg.train_pipeline for t in step.get('transforms', ())]
    assert scales == ([0.5, 0.75, 1.0] if size is None else [])
    assert not any(step['type'] == 'ColorJitter' for step in cfg.train_pipeline)
    assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 16
    assert cfg.train_cfg.max_epochs == epochs and cfg.optim_wrapper.optimizer.weight_decay == 1e-4
    assert cfg.model.backbone.strides == (1, 2, 2, 1) and cfg.model.audio_backbone.type == 'VGGish'
    protocol = 'AVSBenchSemanticMetric' if name == 'avss' else 'AVSBenchObjectMetric'
    assert [metric['type'] for metric in cfg.test_evaluator] == ['DatasetLevelMetric', protocol]


def test_parts_of_avss_are_tested_with_the_model_of_the_whole():
    whole, single, multi = (load(f'cavp/cavp_r50_avss{part}.py') for part in ('', '-single', '-multi'))
    for part, subsets in ((single, ('v1s',)), (multi, ('v1m', 'v2'))):
        assert part.model == whole.model and part.train_dataloader == whole.train_dataloader
        assert part.test_dataloader.dataset.subsets == subsets
        assert part.test_dataloader.dataset == dict(whole.test_dataloader.dataset, subsets=subsets)


def test_golden_keys_number_of_parameters(golden_file):
    """As many as the reference has in use: not its position embeddings, nor the audio network's classifier."""
    keys = json.loads(golden_file('keys_vpo_stereo_r50.json').read_text())
    unused = ('pos_embed', 'cls_head', 'running_mean', 'running_var', 'num_batches_tracked')
    numbers = {name: math.prod(shape) for name, shape in keys.items() if not any(part in name for part in unused)}
    cfg = load('cavp/cavp_r50_vpo-msmi.py')
    cfg.model.backbone.stem_channels = 128  # the reference's; the weights of `init_cfg` have 64
    model = build_model(cfg)
    assert count(model) == sum(numbers.values())
    for part, names in (
        (model.backbone, 'backbone.'),
        (model.audio_backbone, 'audio_backbone.'),
        (model.fusion, ('cross_att.', 'visual_projector.')),
        (model.decode_head, 'segment.upsample.'),
    ):
        assert count(part) == sum(number for name, number in numbers.items() if name.startswith(names))


def test_mono_is_smaller_by_one_input_plane():
    stereo, mono = (build_model(load(f'cavp/cavp_r50_vpo-ms{sound}.py')) for sound in ('', '-mono'))
    assert count(stereo) - count(mono) == 64 * 7 * 7

"""Every config can be built, without data and without downloads."""

import json
import math
import sys

import pytest
import torch
from av_model import without_downloads
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS, HOOKS, LOOPS, METRICS, MODELS, PARAM_SCHEDULERS, RUNNERS, VISUALIZERS
from shipped_configs import CONFIGS, FILES, FORMER, LEAVES, heads_of, load

import mmavs  # noqa: F401

sys.path.insert(0, str(CONFIGS.parent / 'tools' / 'analysis_tools'))

from paper_results.assemble import belongs, load_published, paper_setup  # noqa: E402
from paper_results.classify import classify  # noqa: E402

MOST_LINES = 50
VPO = 'cavp/cavp_r{}-d8_2xb8-80e_vpo-{}-512x512.py'
AVSBENCH = 'cavp/cavp_r50-d16_1xb16-{}e_{}-{}.py'


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
    return load(request.param)


def steps(pipeline):
    """The steps of a pipeline and, for test-time augmentation, those of all of its views."""
    for step in pipeline:
        yield step
        for choices in step.get('transforms', ()) if step['type'] == 'TestTimeAug' else ():
            yield from choices


def pipelines(cfg):
    """Each pipeline of a config, by the key under which it stands."""
    yield from ((key, cfg[key]) for key in ('train_pipeline', 'test_pipeline', 'tta_pipeline'))
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        yield from ((key, part.pipeline) for part in parts(cfg[key].dataset))


def test_there_are_configs():
    assert len(LEAVES) >= 28


def test_leaf_configs_set_only_differences():
    assert {path.name for path in LEAVES if len(path.read_text().splitlines()) > MOST_LINES} == set()


def test_former_names_are_usable():
    """As in a command of the first version; the paper's main config is also loaded."""
    former = [FORMER.fullmatch(path.read_text()) for path in FILES if path not in LEAVES]
    assert len(former) == 20
    assert all(match[1] == match[2] and (CONFIGS / 'cavp' / match[1]) in LEAVES for match in former)
    new, old = load(VPO.format(50, 'msmi')), load('cavp/cavp_r50_vpo-msmi.py')
    assert new.to_dict() == old.to_dict()


def distinct_models():
    """A config for each model and optimizer; image size and data do not matter here."""
    found = {}
    for path in LEAVES:
        cfg = load(path)
        model = {key: value for key, value in cfg.model.to_dict().items() if key != 'data_preprocessor'}
        found.setdefault(json.dumps([model, cfg.optim_wrapper.to_dict()], sort_keys=True), path)
    return found.values()


@pytest.mark.parametrize('path', distinct_models(), ids=lambda path: path.stem)
def test_model_and_optimizer_build(path):
    cfg = load(path)
    model = build_model(cfg)
    assert type(model).__name__ == cfg.model.type
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    grouped = [id(parameter) for group in wrapper.optimizer.param_groups for parameter in group['params']]
    assert len(grouped) == len(set(grouped)) and set(grouped) >= {id(p) for p in model.parameters() if p.requires_grad}
    for scheduler in cfg.param_scheduler:
        options = {key: value for key, value in scheduler.items() if key not in ('type', 'convert_to_iter_based')}
        PARAM_SCHEDULERS.get(scheduler['type'])(optimizer=wrapper.optimizer, **options)


def test_training_test_and_tta_load_the_same(cfg):
    """A regression test: `--tta` of some configs had other audio settings and image sizes than training and test."""
    audio = ['LoadAudio'] if has_audio(cfg) else []
    of_mmseg = cfg.dataset_type == 'BaseSegDataset'
    loading = ('LoadImageFromFile', 'LoadAnnotations') if of_mmseg else ('LoadFrame', 'LoadAVAnnotations')
    for kind in (*loading, *audio):
        found = {key: [step for step in steps(pipeline) if step['type'] == kind] for key, pipeline in pipelines(cfg)}
        (first, *_) = found['train_pipeline']
        assert all(loaded == [first] for loaded in found.values()), (kind, found)
        if kind == 'LoadAudio':
            assert first == cfg.load_audio
    resizing = [step for step in cfg.test_pipeline if step['type'] == 'Resize']
    assert all(step in cfg.train_pipeline and step in list(steps(cfg.tta_pipeline)) for step in resizing)


def has_audio(cfg):
    """False for the image-only models, whose pipelines load no audio."""
    found = {step['type'] for _, pipeline in pipelines(cfg) for step in steps(pipeline)}
    assert ('LoadAudio' in found) == ('audio_backbone' in cfg.model)
    return 'audio_backbone' in cfg.model


def test_audio_of_the_pipeline_fits_the_model(cfg):
    if not has_audio(cfg):
        return
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    assert preprocessor.num_frames is None, 'LoadAudio states the length'
    channels, samples = cfg.load_audio.channels, round(16000 * cfg.load_audio.duration)
    planes = channels + cfg.model.data_preprocessor.get('level_difference', False)
    assert planes == cfg.model.audio_backbone.get('in_channels', 1)  # VGGish takes mono audio
    frames = preprocessor.log_mel(torch.zeros(1, channels, samples)).shape[2]
    assert frames == samples // 160 and frames >= (96 if cfg.model.audio_backbone.type == 'VGGish' else 1)
    assert cfg.model.data_preprocessor['size'] == cfg.crop_size


def test_datasets_pipelines_and_metrics_build(cfg):
    for loader, evaluator in (
        (cfg.train_dataloader, None),
        (cfg.val_dataloader, cfg.val_evaluator),
        (cfg.test_dataloader, cfg.test_evaluator),
    ):
        for part in parts(loader.dataset):
            dataset = DATASETS.build(dict(part, lazy_init=True))
            assert {head.num_classes for head in heads_of(cfg.model)} == {len(dataset.metainfo['classes'])}
            Compose(part.pipeline)
        if evaluator is not None:
            for metric in evaluator if isinstance(evaluator, list) else [evaluator]:
                METRICS.build(metric)
            assert dataset.test_mode
    tta = Compose(cfg.tta_pipeline)
    assert len(tta.transforms[-1].subroutines) > 1


def sizes_are_fixed(cfg):
    return any(step.get('size') or step.get('scale') for step in cfg.test_pipeline)


def test_run_time_settings_build(cfg):
    for hook in cfg.default_hooks.values():
        assert HOOKS.get(hook['type']) is not None, hook['type']
    for name, registry in ((cfg.runner_type, RUNNERS), (cfg.train_cfg.type, LOOPS)):
        assert registry.get(name) is not None, name
    assert VISUALIZERS.get(cfg.visualizer.type) is not None
    assert cfg.custom_imports == dict(imports=['mmavs'], allow_failed_imports=False)
    assert not cfg.resume and cfg.load_from is None
    assert cfg.default_hooks.checkpoint.max_keep_ckpts >= 2, 'a truncated checkpoint needs another one'
    assert not cfg.env_cfg.cudnn_benchmark or sizes_are_fixed(cfg)
    by_epoch = cfg.train_cfg.get('by_epoch', 'EpochBased' in cfg.train_cfg.type)
    assert cfg.default_hooks.checkpoint.by_epoch == cfg.log_processor.by_epoch == by_epoch
    steps = cfg.train_cfg.max_epochs if by_epoch else cfg.train_cfg.max_iters
    assert cfg.param_scheduler[-1]['end'] == steps and cfg.param_scheduler[-1]['by_epoch'] == by_epoch


@pytest.mark.parametrize('subset', ['ss', 'ms', 'msmi'])
@pytest.mark.parametrize('audio, channels', [('', 2), ('-mono', 1)])
@pytest.mark.parametrize('depth', [50, 101])
def test_paper_configs_match_their_names(depth, subset, audio, channels):
    cfg = load(VPO.format(depth, subset + audio))
    assert cfg.model.backbone.depth == depth
    assert f'resnet{depth}' in cfg.model.backbone.init_cfg.checkpoint
    assert cfg.model.audio_backbone.in_channels == cfg.load_audio.channels == channels
    assert cfg.train_dataloader.batch_size * 2 == cfg.auto_scale_lr.base_batch_size == 16 and cfg.crop_size == (
        512,
        512,
    )
    for loader, split in (
        (cfg.train_dataloader, 'train'),
        (cfg.val_dataloader, ['test', 'val']),
        (cfg.test_dataloader, ['test', 'val']),
    ):
        assert (loader.dataset.subset, loader.dataset.split) == (subset, split)


def test_sets_of_your_own_are_validated_on_val_and_tested_on_test():
    own, released = load(VPO.format(50, 'own')), load(VPO.format(50, 'msmi'))
    for key in ('train', 'val', 'test'):
        assert own[f'{key}_dataloader'].dataset.split == key
    assert own.model == released.model and own.optim_wrapper == released.optim_wrapper


DATASETS_OF = {
    'avsbench-s4': ('AVSBenchObjectDataset', dict(subset='s4'), 60),
    'avsbench-ms3': ('AVSBenchObjectDataset', dict(subset='ms3'), 60),
    'avss': ('AVSBenchSemanticDataset', dict(subsets=('v1s', 'v1m', 'v2')), 80),
}


@pytest.mark.parametrize('size', [512, 224])
@pytest.mark.parametrize('name', DATASETS_OF)
def test_avsbench_configs_match_their_names(name, size):
    kind, part, epochs = DATASETS_OF[name]
    cfg = load(AVSBENCH.format(epochs, name, f'{size}x{size}'))
    for split in ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        assert (dataset.type, dataset.split) == (kind, split)
        assert all(dataset[key] == value for key, value in part.items())
    assert cfg.load_audio.duration == 1.0 and cfg.crop_size == (size, size)
    loading = {step['type']: step for step in cfg.test_pipeline}
    for step in ('LoadFrame', 'LoadAVAnnotations'):
        assert loading[step].get('size') == (None if size == 512 else (size, size)), 'scored at this size'
    scales = [t[0].scale_factor for step in cfg.train_pipeline for t in step.get('transforms', ())]
    assert scales == ([0.5, 0.75, 1.0] if size == 512 else [])
    assert not any(step['type'] == 'ColorJitter' for step in cfg.train_pipeline)
    assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 16
    assert cfg.train_cfg.max_epochs == epochs and cfg.optim_wrapper.optimizer.weight_decay == 1e-4
    assert cfg.model.backbone.strides == (1, 2, 2, 1) and cfg.model.audio_backbone.type == 'VGGish'
    protocol = 'AVSBenchSemanticMetric' if name == 'avss' else 'AVSBenchObjectMetric'
    assert [metric['type'] for metric in cfg.test_evaluator] == ['DatasetLevelMetric', protocol]


def test_parts_of_avss_are_tested_with_the_model_of_the_complete_set():
    whole, single, multi = (load(AVSBENCH.format(80, f'avss{part}', '512x512')) for part in ('', '-single', '-multi'))
    for part, subsets in ((single, ('v1s',)), (multi, ('v1m', 'v2'))):
        assert part.model == whole.model and part.train_dataloader == whole.train_dataloader
        assert part.test_dataloader.dataset.subsets == subsets
        assert part.test_dataloader.dataset == dict(whole.test_dataloader.dataset, subsets=subsets)


def test_golden_keys_number_of_parameters(golden_file):
    """As many as the reference has in use: not its position embeddings, nor the audio network's classifier."""
    keys = json.loads(golden_file('keys_vpo_stereo_r50.json').read_text())
    unused = ('pos_embed', 'cls_head', 'running_mean', 'running_var', 'num_batches_tracked')
    numbers = {name: math.prod(shape) for name, shape in keys.items() if not any(part in name for part in unused)}
    cfg = load(VPO.format(50, 'msmi'))
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
    stereo, mono = (build_model(load(VPO.format(50, f'ms{audio}'))) for audio in ('', '-mono'))
    assert count(stereo) - count(mono) == 64 * 7 * 7


def rows_with_runs(tables):
    """(table, protocol, row) of all rows of the paper's tables that runs can fill."""
    for table in tables:
        for part in table['parts']:
            yield from ((table, part['protocol'], row) for row in part['rows'] if 'run' in row)


def test_every_config_can_be_classified():
    for path in LEAVES:
        if path.stem == 'objects_r18_mini':  # the start of the others, on data of its own
            with pytest.raises(ValueError, match='is in no table'):
                classify(load(path))
            continue
        kind = classify(load(path))
        assert kind.method and kind.data and kind.backbone and ' x ' in kind.size, path.name


def test_every_config_that_the_paper_tables_name_belongs_to_its_cell_alone():
    rows = list(rows_with_runs(load_published()))
    kinds = {}
    for table, protocol, row in rows:
        for column, config in (row.get('configs') or {}).items():
            assert column in row.get('columns', table['columns'])
            kind = kinds.setdefault(config, classify(load(config)))
            assert kind.setup == paper_setup(table), (config, kind)
            others = [r for t, p, r in rows if t is table and p == protocol and belongs(kind, r, column)]
            assert row in others, (config, kind)
            labeled = [r for r in others if column in r.get('columns', table['columns'])]
            # AVSBench-Semantic has one kind of masks, so that two rows of Table 1 may share its run
            assert len(labeled) == 1 or (table['id'], column) == ('table1', 'avss'), (config, labeled)
    assert len(kinds) > 35


def test_every_full_size_config_of_the_ablations_is_in_a_table():
    rows = rows_with_runs(load_published())
    named = {config for _, _, row in rows for config in (row.get('configs') or {}).values()}
    full = {f'ablations/{path.name}' for path in LEAVES if path.parent.name == 'ablations' and '_r50-' in path.name}
    assert full and full <= named
    assert all((CONFIGS / config).is_file() for config in named)

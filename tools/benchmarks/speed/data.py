"""Benchmarks of loading: a training sample, its audio, the index of a dataset; and of the metrics."""

import zlib
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmseg.registry import TRANSFORMS

from mmavs.datasets import VPODataset
from mmavs.datasets.transforms import ColorJitter, LoadAudio
from mmavs.evaluation.metrics import DatasetLevelMetric

from .files import COPIES, write_rows, write_sample
from .harness import Case, seconds, time_alternately
from .reference.index import scan_index
from .reference.metrics import PlainMetrics
from .reference.sample import PlainLoadAudio

CONFIG = Path(__file__).resolve().parents[3] / 'configs' / '_base_' / 'datasets' / 'vpo.py'
REFERENCE_TYPES = dict(
    LoadAudio='PlainLoadAudio',
    LoadAVAnnotations='PlainLoadAnnotations',
    ColorJitter='PlainColorJitter',
)
SOURCE_SETTINGS = dict(sources=3, seconds=10, rate=44100)


def make_sample(tiny: bool, folder: Path) -> Case:
    """The training pipeline of VPO on one image. Both draw the same numbers; the reference jitters before the crop.

    Equal: audio, labels and image, bit by bit. The image is compared without the change of contrast, since this step
    depends on the mean of its input, and therefore on the pixels outside of the crop.
    """
    write_sample(folder, (120, 160) if tiny else (480, 640))
    info = VPODataset(data_root=str(folder), subset='msmi').get_data_info(0)
    pipeline = Config.fromfile(CONFIG).train_pipeline
    plain = [dict(step) for step in pipeline]
    names = [step['type'] for step in pipeline]
    references = dict(
        LoadAudio='PlainLoadAudio', LoadAVAnnotations='PlainLoadAnnotations', ColorJitter='PlainColorJitter'
    )
    for step in plain:
        step['type'] = references.get(step['type'], step['type'])
    plain.insert(names.index('RandomCrop'), plain.pop(names.index('ColorJitter')))
    with DefaultScope.overwrite_default_scope('mmseg'):
        ours, reference = ([TRANSFORMS.build(step) for step in steps] for steps in (pipeline, plain))
    seeds = range(2 if tiny else 14)  # every round has the same scales and crops

    def equal() -> bool:
        jitters = [step for step in ours + reference if isinstance(step, ColorJitter)]
        contrast = [step.contrast for step in jitters]
        for step in jitters:
            step.contrast = 0
        same = all(_same_sample(load(ours, info, seed), load(reference, info, seed)) for seed in seeds)
        for step, value in zip(jitters, contrast, strict=True):
            step.contrast = value
        return same

    settings = dict(SOURCE_SETTINGS, image=[640, 480], scales='0.5 to 2', crop=[512, 512], samples=len(seeds))
    return Case(
        lambda: [load(ours, info, seed) for seed in seeds],
        lambda: [load(reference, info, seed) for seed in seeds],
        equal,
        settings,
        units=len(seeds),
    )


def load(steps: list, info: dict, seed: int) -> dict:
    """Runs a pipeline. The random numbers of a step depend on the seed and its name, not on the order of steps."""
    results = dict(info, seg_fields=[])
    for step in steps:
        np.random.seed(zlib.crc32(f'{type(step).__name__.removeprefix("Plain")} {seed}'.encode()))
        results = step(results)
    return results


def _same_sample(a: dict, b: dict) -> bool:
    pairs = [(a['inputs'][key], b['inputs'][key]) for key in ('img', 'audio')]
    pairs.append((a['data_samples'].gt_sem_seg.data, b['data_samples'].gt_sem_seg.data))
    return all(x.dtype == y.dtype and torch.equal(x, y) for x, y in pairs)


def make_audio(tiny: bool, folder: Path, copies: bool) -> Case:
    """The audio of a sample. With ``copies``, ours reads copies at 16 kHz, and the reference reads the recordings.

    Equal: all samples to 1e-6 of full scale, on the files that are timed.
    """
    write_sample(folder, (48, 64))
    (info,) = VPODataset(data_root=str(folder), subset='msmi').load_data_list()
    sources = info['sources']
    own = VPODataset(data_root=str(folder), subset='msmi', audio_dir=f'VGGSound/{COPIES if copies else "audios"}')
    own_sources = own.load_data_list()[0]['sources']
    ours, reference = LoadAudio(duration=3.0, channels=2), PlainLoadAudio(duration=3.0, channels=2)
    repeats = 1 if tiny else 20

    def equal() -> bool:
        waves = ours(dict(sources=own_sources))['audio'], reference(dict(sources=sources))['audio']
        return waves[0].shape == waves[1].shape and bool((waves[0] - waves[1]).abs().max() <= 1e-6)

    return Case(
        lambda: [ours(dict(sources=own_sources)) for _ in range(repeats)],
        lambda: [reference(dict(sources=sources)) for _ in range(repeats)],
        equal,
        dict(SOURCE_SETTINGS, our_rate=16000 if copies else 44100, calls=repeats),
        units=repeats,
    )


def make_audio_44k(tiny: bool, folder: Path) -> Case:
    return make_audio(tiny, folder, copies=False)


def make_audio_16k(tiny: bool, folder: Path) -> Case:
    return make_audio(tiny, folder, copies=True)


def make_index(tiny: bool, folder: Path) -> Case:
    """The records of all samples of an annotation file. Equal: the lists."""
    count = 200 if tiny else 30_000
    write_rows(folder, count)
    dataset = VPODataset(data_root=str(folder), subset='msmi', lazy_init=True)

    def reference() -> list[dict]:
        return scan_index(folder, 'train')

    return Case(
        dataset.load_data_list,
        reference,
        lambda: dataset.load_data_list() == reference(),
        dict(rows=count, images=count // 2),
    )


def compare_index_sizes(tiny: bool, folder: Path) -> dict:
    """The ratio of our times for twice and once the number of rows."""
    datasets = []
    for factor in (1, 2):
        root = folder / f'times {factor}'
        write_rows(root, factor * (200 if tiny else 30_000))
        datasets.append(VPODataset(data_root=str(root), subset='msmi', lazy_init=True))
    once, twice = time_alternately(*(lambda d=d: seconds(d.load_data_list) for d in datasets), rounds=7)
    return dict(linear=twice / once, linear_goal=2.2)


def make_metrics(tiny: bool, folder: Path) -> Case:
    """Dataset-level metrics of predicted class maps. Equal: mIoU, F and FDR to two decimals."""
    classes = 22
    size, count = ((32, 48), 2) if tiny else ((480, 640), 10)
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, classes, (count, *size), generator=generator)
    preds = torch.where(torch.rand(labels.shape, generator=generator) < 0.6, labels, labels.flip(2))
    labels[:, :4] = 255
    samples = [
        dict(pred_sem_seg=dict(data=p[None]), gt_sem_seg=dict(data=y[None])) for p, y in zip(preds, labels, strict=True)
    ]
    arrays = [(p.numpy(), y.numpy()) for p, y in zip(preds, labels, strict=True)]

    def ours() -> dict[str, float]:
        metric: BaseMetric = DatasetLevelMetric()
        metric.dataset_meta = dict(classes=[str(i) for i in range(classes)])
        for sample in samples:
            metric.process({}, [sample])
        return metric.evaluate(count)

    def reference() -> dict[str, float]:
        metric = PlainMetrics(classes)
        for pred, label in arrays:
            metric.add(pred, label)
        return metric.result()

    def equal() -> bool:
        own, other = ours(), reference()
        return all(abs(own[name] - value) <= 0.00501 for name, value in other.items())

    MMLogger.get_current_instance().setLevel('WARNING')  # prints no table in each round
    return Case(ours, reference, equal, dict(images=count, size=list(size), classes=classes), units=count)

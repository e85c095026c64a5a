"""Checks a whole dataset before a training does, and lists all that is wrong with it at once."""

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmavs.audio import SAMPLE_RATE

from .avseg_dataset import RecordError
from .file_checks import Checked, Finding, ImageJob, MaskJob, RecordingJob, check_file
from .problem_report import Problem
from .vpo_builder.parallel import WorkerPool, default_workers

LOADERS = ('train', 'val', 'test')


@dataclass
class _Contents:
    """What the data loaders hold: for each file the loaders that it is in, and all findings with theirs."""

    samples: dict[str, int] = field(default_factory=dict)
    images: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    masks: dict[str, set[MaskJob]] = field(default_factory=lambda: defaultdict(set))
    recordings: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    seconds: dict[str, tuple[float, int]] = field(default_factory=dict)
    findings: dict[Finding, set[str]] = field(default_factory=lambda: defaultdict(set))


def check_config(
    cfg: Config, *, loaders: Sequence[str] | None = None, workers: int | None = None
) -> tuple[list[Problem], dict[str, int]]:
    """Goes through all that the data loaders of a config read.

    Args:
        cfg: With ``train_dataloader``, ``val_dataloader`` or ``test_dataloader``. Their datasets may be wrapped, as by
            ``ConcatDataset``.
        loaders: ``'train'``, ``'val'`` and ``'test'``, or some of them; None for those that the config has.
        workers: Number of processes, None for one per CPU core. The result does not depend on it.

    Returns:
        The problems in order, and how many there are of samples in each loader and of files.

    Raises:
        ValueError: The config lacks a loader; the message names the key.
    """
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    contents = _Contents()
    for loader in _choose(cfg, loaders):
        _collect_loader(loader, cfg[f'{loader}_dataloader'], contents)
    images = [ImageJob(path, tuple(sorted(contents.masks[path], key=repr))) for path in sorted(contents.images)]
    recordings = [RecordingJob(path, *contents.seconds[path]) for path in sorted(contents.recordings)]
    jobs = images + recordings
    with WorkerPool(workers or default_workers()) as pool:
        checked = list(pool.map(check_file, jobs, total=len(jobs), desc='Checking files'))
    for kind, found, used in (
        ('image', checked[: len(images)], contents.images),
        ('recording', checked[len(images) :], contents.recordings),
    ):
        _add_findings(contents, kind, dict(zip(sorted(used), found, strict=True)), used)
    problems = sorted(Problem.of(f, loaders) for f, loaders in contents.findings.items())
    counts = {f'{name} samples': number for name, number in contents.samples.items()}
    masks = {m.path for jobs in contents.masks.values() for m in jobs}
    return problems, {**counts, 'images': len(images), 'masks': len(masks), 'recordings': len(recordings)}


def _choose(cfg: Config, loaders: Sequence[str] | None) -> list[str]:
    there = [name for name in LOADERS if cfg.get(f'{name}_dataloader')]
    for name in loaders or ():
        if name not in there:
            raise ValueError(f'the config has no {name}_dataloader; it has {", ".join(there) or "none"}')
    if not there:
        raise ValueError(f'the config has none of {", ".join(f"{n}_dataloader" for n in LOADERS)}')
    return [name for name in there if name in (loaders or there)]


def leaf_datasets(cfg: dict) -> Iterator[dict]:
    """The configs of the datasets that a wrapper (``ConcatDataset``, ``RepeatDataset``, ...) stands around."""
    inner = cfg.get('datasets') or cfg.get('dataset')
    if inner is None:
        yield cfg
    for part in inner if isinstance(inner, (list, tuple)) else filter(None, [inner]):
        yield from leaf_datasets(part)


def _collect_loader(loader: str, cfg: dict, contents: _Contents) -> None:
    """Adds the files of a data loader, and what is wrong with its records."""
    records, seen = 0, set()
    for leaf in leaf_datasets(cfg['dataset']):
        dataset = DATASETS.build({**copy.deepcopy(leaf), 'lazy_init': True})
        errors: list[RecordError] = []
        dataset.bad_record = errors.append
        try:
            found = dataset.load_data_list()
        except (OSError, KeyError, ValueError) as error:
            message = error.args[0] if isinstance(error, KeyError) else str(error)  # str() puts quotes around a key
            found, errors = [], [RecordError(message, kind='bad annotation')]
        where = str(getattr(dataset, 'ann_file', '') or type(dataset).__name__)
        for error in errors:
            contents.findings[Finding(error.kind, where, str(error), error.fatal)].add(loader)
        clip = _clip_of(leaf.get('pipeline', ()))
        for record in found:
            _add_record(contents, loader, record, dataset, clip)
            for finding in _duplicates(record, seen):
                contents.findings[finding].add(loader)
        records += len(found)
    contents.samples[loader] = records


def _add_record(contents: _Contents, loader: str, record: dict, dataset: Any, clip: tuple[float, int] | None) -> None:
    """Adds the files of a record."""
    sources = record.get('sources', ())
    contents.images[record['img_path']].add(loader)
    if record.get('seg_map_path'):
        table = getattr(dataset, 'label_table', None)
        names = dataset.metainfo['classes']
        classes = {(s['label'], names[s['label']]) for s in sources if s['label'] != dataset.ignore_index}
        mask = MaskJob(record['seg_map_path'], table.tobytes() if table is not None else None, tuple(sorted(classes)))
        contents.masks[record['img_path']].add(mask)
    for source in sources if clip else ():
        path = source['audio_path']
        contents.recordings[path].add(loader)
        contents.seconds[path] = max(clip, contents.seconds.get(path, clip))


def _clip_of(pipeline: Iterable[dict]) -> tuple[float, int] | None:
    """Seconds and rate of what the pipeline reads of a recording; None where it reads none."""
    for step in pipeline:
        if step.get('type') == 'LoadAudio':
            silent = step.get('silent', False)
            return None if silent else (step.get('duration', 3.0), step.get('sample_rate', SAMPLE_RATE))
    return None


def _duplicates(record: dict, seen: set) -> Iterator[Finding]:
    """Whether a sample, or a source in it, is there twice; adds the sample to ``seen``."""
    sources = [(s['audio_path'], s['position'], s['label']) for s in record.get('sources', ())]
    for source in sorted({s for s in sources if sources.count(s) > 1}):
        yield Finding('duplicate source', record['img_path'], f'{source[0]} sounds {sources.count(source)} times')
    key = (record['img_path'], record.get('seg_map_path'), tuple(sorted(sources)))
    if key in seen:
        yield Finding('duplicate sample', record['img_path'], 'with the same mask and the same sounds')
    seen.add(key)


def _add_findings(contents: _Contents, what: str, checked: dict[str, Checked], used: dict[str, set[str]]) -> None:
    """Adds what is wrong with the files, and which of them training and test share."""
    trained: dict[str, str] = {}
    for path, result in checked.items():
        for finding in result.findings:
            contents.findings[finding] |= used[path]
        if 'train' in used[path] and result.digest:
            trained.setdefault(result.digest, path)
    for path, result in checked.items():
        tested = used[path] - {'train'}
        if not tested:
            continue
        if 'train' in used[path]:
            contents.findings[Finding(f'shared {what}', path, 'in training and test')] |= used[path]
        elif result.digest in trained:
            detail = f'the same content as {trained[result.digest]} of the training'
            contents.findings[Finding(f'shared {what}', path, detail)] |= tested | {'train'}

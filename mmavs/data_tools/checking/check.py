"""Checks a whole dataset before a training does, and lists all that is wrong with it at once."""

import copy
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmavs.audio import SAMPLE_RATE
from mmavs.audio.mixing import is_position
from mmavs.datasets.annotation_table import AnnotationError
from mmavs.datasets.avseg_dataset import NO_SAMPLE
from mmavs.datasets.mask_file import DEFAULT_HINT

from ..parallel import WorkerPool, default_workers
from .annotation_checks import check_annotation
from .file_checks import Checked, Finding, ImageJob, MaskJob, RecordingJob, check_file
from .loader_statistics import LoaderStatistics, Sample, loader_statistics, present_classes
from .problem_report import Problem

LOADERS = ('train', 'val', 'test')


class CheckResult(NamedTuple):
    """What a check found.

    Attributes:
        problems: In order.
        counts: How many samples there are in each loader, and how many files.
        loaders: Statistics of each loader.
    """

    problems: list[Problem]
    counts: dict[str, int]
    loaders: dict[str, LoaderStatistics]


@dataclass
class _Contents:
    """What the data loaders hold: for each file the loaders that it is in, and all findings with theirs."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    annotations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    clips: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))  # clip -> image -> frames
    starts: dict[str, float] = field(default_factory=dict)
    images: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    masks: dict[str, set[MaskJob]] = field(default_factory=lambda: defaultdict(set))
    recordings: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    seconds: dict[str, tuple[float, int]] = field(default_factory=dict)
    findings: dict[Finding, set[str]] = field(default_factory=lambda: defaultdict(set))


def check_config(
    cfg: Config, *, loaders: Sequence[str] | None = None, workers: int | None = None, compare_classes: bool = True
) -> CheckResult:
    """Goes through all that the data loaders of a config read.

    Args:
        cfg: With ``train_dataloader``, ``val_dataloader`` or ``test_dataloader``. Their datasets may be wrapped, as by
            ``ConcatDataset``.
        loaders: ``'train'``, ``'val'`` and ``'test'``, or some of them; None for those that the config has.
        workers: Number of processes, None for one per CPU core. The result does not depend on it.
        compare_classes: Whether to warn of classes that training lacks; False for a part of what is trained on, since
            other parts may have them.

    Raises:
        ValueError: The config lacks a loader, or the dataset of one cannot be built; the message names the key.
    """
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    contents = _Contents()
    for loader in _choose(cfg, loaders):
        _collect_loader(loader, cfg, contents)
    images = [ImageJob(path, tuple(sorted(contents.masks[path], key=repr))) for path in sorted(contents.images)]
    recordings = [
        RecordingJob(path, *contents.seconds[path], contents.starts.get(path)) for path in sorted(contents.recordings)
    ]
    jobs = images + recordings
    with WorkerPool(workers or default_workers()) as pool:
        checked = list(pool.map(check_file, jobs, total=len(jobs), desc='Checking files'))
    by_image = dict(zip(sorted(contents.images), checked[: len(images)], strict=True))
    by_recording = dict(zip(sorted(contents.recordings), checked[len(images) :], strict=True))
    _add_findings(contents, 'image', by_image, contents.images)
    _add_findings(contents, 'recording', by_recording, contents.recordings)
    _add_incomplete_clips(contents, by_image)
    masks = {m.path for jobs in contents.masks.values() for m in jobs}
    labels = {path: found for result in by_image.values() for path, found in result.labels.items()}
    if compare_classes:
        _add_absent_classes(contents, labels)
    problems = sorted(Problem.of(f, loaders) for f, loaders in contents.findings.items())
    counts = {f'{name} samples': len(samples) for name, samples in contents.samples.items()}
    counts |= {'images': len(images), 'masks': len(masks), 'recordings': len(recordings)}
    statistics = {name: loader_statistics(samples, labels) for name, samples in contents.samples.items()}
    return CheckResult(problems, counts, statistics)


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


def _collect_loader(loader: str, cfg: Config, contents: _Contents) -> None:
    """Adds the files of a data loader, and what is wrong with its records."""
    seen: set = set()
    contents.samples[loader] = []
    for leaf in leaf_datasets(cfg[f'{loader}_dataloader']['dataset']):
        dataset = _build(leaf, f'{loader}_dataloader.dataset of {cfg.filename or "the config"}')
        where = str(getattr(dataset, 'ann_file', '') or type(dataset).__name__)
        contents.annotations[loader].append(where)
        records, errors = _load_records(dataset)
        for error in errors:
            contents.findings[Finding(error.kind, where, str(error), error.fatal)].add(loader)
        clip = _clip_of(leaf.get('pipeline', ()))
        for number, record in enumerate(records):
            try:
                _add_record(contents, loader, record, dataset, clip)
                findings = [*_bad_positions(record), *_duplicates(record, seen)]
            except (LookupError, TypeError) as error:
                detail = f'record {number} is not as AVSegDataset describes it: {_message(error)}'
                findings = [Finding('bad record', where, detail)]
            for finding in findings:
                contents.findings[finding].add(loader)


def _build(cfg: dict, where: str) -> Any:
    try:
        return DATASETS.build({**copy.deepcopy(cfg), 'lazy_init': True})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{where} cannot be built: {_message(error)}') from error


def _load_records(dataset: Any) -> tuple[list[dict], list[AnnotationError]]:
    """All records that can be used, and what is wrong with the others."""
    errors: list[AnnotationError] = []
    dataset.on_annotation_error = errors.append
    try:
        records = dataset.load_data_list()
    except AnnotationError as error:
        return [], [*errors, error]
    except Exception as error:  # a dataset of the user's may raise any
        return [], [*errors, AnnotationError(_message(error), kind='bad annotation')]
    if not records and not errors:
        errors.append(AnnotationError(NO_SAMPLE, kind='empty split'))
    dataset.on_annotation_error = lambda error: None  # the same rows again
    return records, [*errors, *check_annotation(dataset)]


def _message(error: Exception) -> str:
    """What an error says; with its type where that tells what the words alone do not."""
    if isinstance(error, (OSError, ValueError)):
        return str(error)
    return f'{type(error).__name__}: {error.args[0] if isinstance(error, KeyError) else error}'


def _add_record(contents: _Contents, loader: str, record: dict, dataset: Any, clip: tuple[float, int] | None) -> None:
    """Adds the files of a record, and what the statistics need of it."""
    sources = record.get('sources', ())
    names = dataset.metainfo['classes']
    mask, clip_name = record.get('seg_map_path'), record.get('clip')
    contents.images[record['img_path']].add(loader)
    sounding = {s['label'] for s in sources} - {None, dataset.ignore_index}
    contents.samples[loader].append(
        Sample(mask, names, clip_name, record.get('category'), frozenset(names[label] for label in sounding))
    )
    if clip_name:
        contents.clips[clip_name][record['img_path']] = record['num_frames']
    if mask:
        table = getattr(dataset, 'label_table', None)
        job = MaskJob(
            mask,
            table.tobytes() if table is not None else None,
            tuple(sorted((label, names[label]) for label in sounding)),
            record.get('mask_encoding', 'index'),
            getattr(dataset, 'mask_hint', DEFAULT_HINT),
        )
        contents.masks[record['img_path']].add(job)
    for source in sources if clip else ():
        path = source['audio_path']
        contents.recordings[path].add(loader)
        contents.seconds[path] = max(clip, contents.seconds.get(path, clip))
        if source.get('start') is not None:
            contents.starts[path] = max(source['start'], contents.starts.get(path, 0.0))


def _clip_of(pipeline: Iterable[dict]) -> tuple[float, int] | None:
    """Seconds and rate of what the pipeline reads of a recording; None where it reads none."""
    for step in pipeline:
        if step.get('type') == 'LoadAudio':
            silent = step.get('silent', False)
            return None if silent else (step.get('duration', 3.0), step.get('sample_rate', SAMPLE_RATE))
    return None


def _bad_positions(record: dict) -> Iterator[Finding]:
    for source in record.get('sources', ()):
        if not is_position(position := source.get('position')):
            detail = f'`position` of {source["audio_path"]} must be a number in [0, 1], got {position!r}'
            yield Finding('bad position', record['img_path'], detail)


def _duplicates(record: dict, seen: set) -> Iterator[Finding]:
    """Whether a sample, or a source in it, is there twice; adds the sample to ``seen``."""
    # Sorted by what they look like: a label may be None, and a wrong position anything.
    sources = sorted(
        ((s['audio_path'], s.get('position'), s['label'], s.get('start', 0.0)) for s in record.get('sources', ())),
        key=repr,
    )
    for source in sorted({s for s in sources if sources.count(s) > 1}, key=repr):
        yield Finding('duplicate source', record['img_path'], f'{source[0]} sounds {sources.count(source)} times')
    key = (record['img_path'], record.get('seg_map_path'), tuple(sources))
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


def _add_incomplete_clips(contents: _Contents, checked: dict[str, Checked]) -> None:
    """Adds, beside its missing frames, every video that has fewer than it should."""
    for clip, images in contents.clips.items():
        missing = [path for path in images if any(f.kind == 'missing image' for f in checked[path].findings)]
        if missing:
            detail = f'clip {clip} should have {images[missing[0]]} frames, {len(missing)} are missing'
            finding = Finding('incomplete clip', os.path.dirname(missing[0]), detail)
            contents.findings[finding] |= contents.images[missing[0]]


def _add_absent_classes(contents: _Contents, labels: dict[str, tuple[int, ...]]) -> None:
    """Adds the classes that a loader shows or lets sound, but the training never does."""
    trained = present_classes(contents.samples.get('train', ()), labels)
    if not trained:  # nothing is trained, or its masks cannot be read, which is reported as such
        return
    absent: dict[str, set[str]] = defaultdict(set)
    for loader in contents.samples.keys() - {'train'}:
        for name in present_classes(contents.samples[loader], labels) - trained:
            absent[name].add(loader)
    for name, loaders in absent.items():
        detail = f'{name} is in no training sample, so that it cannot be learnt'
        finding = Finding('class absent from training', contents.annotations['train'][0], detail, fatal=False)
        contents.findings[finding] |= loaders

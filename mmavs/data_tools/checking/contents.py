"""Files and samples of data loaders, collected for a check of the data."""

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mmengine.config import Config
from mmseg.registry import DATASETS

from mmavs.audio import SAMPLE_RATE
from mmavs.audio.mixing import is_position
from mmavs.datasets.annotation_table import AnnotationError
from mmavs.datasets.avseg_dataset import NO_SAMPLE
from mmavs.datasets.mask_file import DEFAULT_HINT

from .annotation_checks import check_annotation
from .file_checks import AudioUse, Finding, MaskJob
from .loader_statistics import Sample


@dataclass
class Contents:
    """Files and samples that data loaders read. Loaders are ``'train'``, ``'val'`` and ``'test'``.

    Attributes:
        samples: Samples by loader.
        annotations: Annotation files by loader.
        clips: Expected number of frames of a clip, by clip and image.
        images: Loaders by image.
        masks: Masks by image.
        recordings: Loaders by recording.
        audio_uses: Used part of each recording.
        findings: Loaders by finding.
    """

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    annotations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    clips: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    images: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    masks: dict[str, set[MaskJob]] = field(default_factory=lambda: defaultdict(set))
    recordings: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    audio_uses: dict[str, AudioUse] = field(default_factory=dict)
    findings: dict[Finding, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add_loader(self, loader: str, cfg: Config) -> None:
        """Adds the files and samples of a data loader, and the errors of its records.

        Raises:
            ValueError: A dataset cannot be built; the message names the key of the config.
        """
        seen: set = set()
        self.samples[loader] = []
        for leaf in leaf_datasets(cfg[f'{loader}_dataloader']['dataset']):
            dataset = _build(leaf, f'{loader}_dataloader.dataset of {cfg.filename or "the config"}')
            where = str(getattr(dataset, 'ann_file', '') or type(dataset).__name__)
            self.annotations[loader].append(where)
            records, errors = _load_records(dataset)
            for error in errors:
                self.findings[Finding(error.kind, where, str(error), error.fatal)].add(loader)
            use = _audio_use(leaf.get('pipeline', ()))
            for number, record in enumerate(records):
                try:
                    self._add_record(loader, record, dataset, use)
                    findings = [*_position_findings(record, use), *_duplicates(record, seen)]
                except (LookupError, TypeError) as error:
                    detail = f'record {number} does not have the form that AVSegDataset describes: {_message(error)}'
                    findings = [Finding('invalid sample', where, detail)]
                for finding in findings:
                    self.findings[finding].add(loader)

    def _add_record(self, loader: str, record: dict, dataset: Any, use: AudioUse | None) -> None:
        sources = record.get('sources', ())
        names = tuple(dataset.metainfo['classes'])
        mask, clip = record.get('seg_map_path'), record.get('clip')
        self.images[record['img_path']].add(loader)
        sounding = {s['label'] for s in sources} - {None, dataset.ignore_index}
        self.samples[loader].append(
            Sample(mask, names, clip, record.get('category'), frozenset(names[label] for label in sounding))
        )
        if clip:
            self.clips[clip][record['img_path']] = record['num_frames']
        if mask:
            table = getattr(dataset, 'label_table', None)
            job = MaskJob(
                path=mask,
                table=table.tobytes() if table is not None else None,
                sounding=tuple(sorted(sounding)),
                names=names,
                encoding=record.get('mask_encoding', 'index'),
                hint=getattr(dataset, 'mask_hint', DEFAULT_HINT),
            )
            self.masks[record['img_path']].add(job)
        for source in sources if use else ():
            path = source['audio_path']
            self.recordings[path].add(loader)
            self.audio_uses[path] = use.at(source.get('start')).union(self.audio_uses.get(path))


def leaf_datasets(cfg: dict) -> Iterator[dict]:
    """The configs of the datasets inside wrappers (``ConcatDataset``, ``RepeatDataset``, ...)."""
    inner = cfg.get('datasets') or cfg.get('dataset')
    if inner is None:
        yield cfg
    for part in inner if isinstance(inner, (list, tuple)) else filter(None, [inner]):
        yield from leaf_datasets(part)


def _build(cfg: dict, where: str) -> Any:
    try:
        return DATASETS.build({**copy.deepcopy(cfg), 'lazy_init': True})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{where} cannot be built: {_message(error)}') from error


def _load_records(dataset: Any) -> tuple[list[dict], list[AnnotationError]]:
    """All valid records, and the errors of the others."""
    errors: list[AnnotationError] = []
    dataset.on_annotation_error = errors.append
    try:
        records = dataset.load_data_list()
    except AnnotationError as error:
        return [], [*errors, error]
    except Exception as error:  # a custom dataset may raise any error
        return [], [*errors, AnnotationError(_message(error), kind='bad annotation')]
    if not records and not errors:
        errors.append(AnnotationError(NO_SAMPLE, kind='empty split'))
    dataset.on_annotation_error = lambda error: None  # reads the same rows again
    return records, [*errors, *check_annotation(dataset)]


def _message(error: Exception) -> str:
    """The message of an error, with its type if the message alone is not clear."""
    if isinstance(error, (OSError, ValueError)):
        return str(error)
    return f'{type(error).__name__}: {error.args[0] if isinstance(error, KeyError) else error}'


def _audio_use(pipeline: Iterable[Mapping]) -> AudioUse | None:
    """The part of a recording that the pipeline reads; None if it reads no audio."""
    for step in pipeline:
        if step.get('type') == 'LoadAudio':
            if step.get('silent', False):
                return None
            return AudioUse(
                seconds=step.get('duration', 3.0),
                sample_rate=step.get('sample_rate', SAMPLE_RATE),
                loudest=step.get('excerpt') == 'loudest',
                keep_channels=step.get('keep_channels', False),
            )
    return None


def _position_findings(record: dict, use: AudioUse | None) -> Iterator[Finding]:
    for source in record.get('sources', ()):
        if use and use.keep_channels and 'position' not in source:
            continue
        if not is_position(position := source.get('position')):
            detail = f'`position` of {source["audio_path"]} must be a number in [0, 1], got {position!r}'
            yield Finding('bad position', record['img_path'], detail)


def _duplicates(record: dict, seen: set) -> Iterator[Finding]:
    """Duplicates of sources in a sample, and of the sample in ``seen``, to which the sample is added."""
    # Sorted by representation, since a label may be None and an invalid position may have any type.
    sources = sorted(
        ((s['audio_path'], s.get('position'), s['label'], s.get('start', 0.0)) for s in record.get('sources', ())),
        key=repr,
    )
    for source in sorted({s for s in sources if sources.count(s) > 1}, key=repr):
        detail = f'{source[0]} occurs {sources.count(source)} times in the sources'
        yield Finding('duplicate source', record['img_path'], detail)
    key = (record['img_path'], record.get('seg_map_path'), tuple(sources))
    if key in seen:
        yield Finding('duplicate sample', record['img_path'], 'the same image, mask and sources')
    seen.add(key)

"""Check of all data of a config before training, with a list of all problems."""

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..parallel import WorkerPool, default_workers
from .contents import Contents
from .file_checks import Checked, Finding, ImageJob, RecordingJob, check_file
from .loader_statistics import LoaderStatistics, loader_statistics, present_classes
from .problem_report import Problem

LOADERS = ('train', 'val', 'test')
SHARED_ON_PURPOSE = 'evaluates_on_train'
"""Variable that a config sets to True if it validates and tests on its training images on purpose."""


class CheckResult(NamedTuple):
    """Result of a check.

    Attributes:
        problems: The problems, sorted.
        counts: Number of samples of each loader, and number of files.
        loaders: Statistics of each loader.
    """

    problems: list[Problem]
    counts: dict[str, int]
    loaders: dict[str, LoaderStatistics]


def check_config(
    cfg: Config, *, loaders: Sequence[str] | None = None, workers: int | None = None, compare_classes: bool = True
) -> CheckResult:
    """Checks all files and annotations that the data loaders of a config read.

    Args:
        cfg: With ``train_dataloader``, ``val_dataloader`` or ``test_dataloader``. Their datasets may be wrapped, for
            example by ``ConcatDataset``. With ``evaluates_on_train = True``, images and recordings that training and
            evaluation share are one warning instead of an error each.
        loaders: ``'train'``, ``'val'`` and ``'test'``, or some of them; None for those of the config.
        workers: Number of processes, None for one per CPU core. The result does not depend on it.
        compare_classes: Warns of classes that are missing from training. Set it to False for a part of the training
            data, since other parts may have these classes.

    Raises:
        ValueError: The config has no such loader, or a dataset cannot be built; the message names the key.
    """
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    contents = Contents()
    for loader in _choose(cfg, loaders):
        contents.add_loader(loader, cfg)
    images = [ImageJob(path, tuple(sorted(contents.masks[path], key=repr))) for path in sorted(contents.images)]
    recordings = [RecordingJob(path, contents.audio_uses[path]) for path in sorted(contents.recordings)]
    jobs = images + recordings
    with WorkerPool(workers or default_workers()) as pool:
        checked = list(pool.map(check_file, jobs, total=len(jobs), desc='Checking files'))
    by_image = dict(zip(sorted(contents.images), checked[: len(images)], strict=True))
    by_recording = dict(zip(sorted(contents.recordings), checked[len(images) :], strict=True))
    on_purpose = bool(cfg.get(SHARED_ON_PURPOSE))
    _add_findings(contents, 'image', by_image, contents.images, shared_on_purpose=on_purpose)
    _add_findings(contents, 'recording', by_recording, contents.recordings, shared_on_purpose=on_purpose)
    _add_incomplete_clips(contents, by_image)
    labels = {path: found for result in by_image.values() for path, found in result.labels.items()}
    statistics = {name: loader_statistics(samples, labels) for name, samples in contents.samples.items()}
    _add_empty_loaders(contents, statistics)
    if compare_classes:
        _add_missing_classes(contents, labels)
    counts = {f'{name} samples': len(samples) for name, samples in contents.samples.items()}
    masks = {m.path for jobs in contents.masks.values() for m in jobs}
    counts |= {'images': len(images), 'masks': len(masks), 'recordings': len(recordings)}
    problems = sorted(Problem.of(f, loaders) for f, loaders in contents.findings.items())
    return CheckResult(problems, counts, statistics)


def _choose(cfg: Config, loaders: Sequence[str] | None) -> list[str]:
    present = [name for name in LOADERS if cfg.get(f'{name}_dataloader')]
    for name in loaders or ():
        if name not in present:
            raise ValueError(f'the config has no {name}_dataloader; it has {", ".join(present) or "none"}')
    if not present:
        raise ValueError(f'the config has none of {", ".join(f"{n}_dataloader" for n in LOADERS)}')
    return [name for name in present if name in (loaders or present)]


def _add_findings(
    contents: Contents, what: str, checked: dict[str, Checked], used: dict[str, set[str]], *, shared_on_purpose: bool
) -> None:
    """Adds the findings of the files, and the files that training shares with validation or test."""
    trained: dict[str, str] = {}
    for path, result in checked.items():
        for finding in result.findings:
            contents.findings[finding] |= used[path]
        if 'train' in used[path] and result.digest:
            trained.setdefault(result.digest, path)
    shared: dict[Finding, set[str]] = {}
    for path, result in checked.items():
        tested = used[path] - {'train'}
        if not tested:
            continue
        if 'train' in used[path]:
            shared[Finding(f'shared {what}', path, 'used by training and by validation or test')] = used[path]
        elif result.digest in trained:
            detail = f'same content as {trained[result.digest]}, which training uses'
            shared[Finding(f'shared {what}', path, detail)] = tested | {'train'}
    if shared and shared_on_purpose:
        detail = (
            f'training shares {len(shared)} {what}s with validation or test, since the config has '
            f'{SHARED_ON_PURPOSE} = True: the metrics do not apply to other images'
        )
        where = contents.annotations['train'][0]
        shared = {Finding(f'shared {what}s on purpose', where, detail, fatal=False): set().union(*shared.values())}
    for finding, loaders in shared.items():
        contents.findings[finding] |= loaders


def _add_incomplete_clips(contents: Contents, checked: dict[str, Checked]) -> None:
    """Adds a finding for every video with missing frames, in addition to those of the frames."""
    for clip, images in contents.clips.items():
        missing = [path for path in images if any(f.kind == 'missing image' for f in checked[path].findings)]
        if missing:
            detail = f'clip {clip} should have {images[missing[0]]} frames, {len(missing)} are missing'
            finding = Finding('incomplete clip', os.path.dirname(missing[0]), detail)
            contents.findings[finding] |= contents.images[missing[0]]


def _add_empty_loaders(contents: Contents, statistics: dict[str, LoaderStatistics]) -> None:
    """Adds the loaders whose masks contain background only."""
    for loader, found in statistics.items():
        if not found.annotated or found.empty < found.annotated:
            continue
        detail = f'all {found.annotated} masks contain background only'
        if found.ignored:
            detail += (
                f'; {found.ignored} have pixels to ignore (255 unless `ignored_values` of the dataset differs): if the '
                'value 255 marks the objects, set mask_values=(0, 255) in the dataset'
            )
        where = contents.annotations[loader][0]
        contents.findings[Finding('no foreground', where, detail)].add(loader)


def _add_missing_classes(contents: Contents, labels: dict[str, tuple[int, ...]]) -> None:
    """Adds the classes that occur in validation or test but not in training."""
    trained = present_classes(contents.samples.get('train', ()), labels)
    if not trained:  # there is no training set, or its masks cannot be read, which is another finding
        return
    missing: dict[str, set[str]] = defaultdict(set)
    for loader in contents.samples.keys() - {'train'}:
        for name in present_classes(contents.samples[loader], labels) - trained:
            missing[name].add(loader)
    for name, loaders in missing.items():
        detail = f'{name} does not occur in training and cannot be learned'
        finding = Finding('class missing from training', contents.annotations['train'][0], detail, fatal=False)
        contents.findings[finding] |= loaders

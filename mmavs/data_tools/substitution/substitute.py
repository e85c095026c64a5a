"""AVS-M-SS (Sec. 5.2 of the paper): S4 of AVSBench-Object with other recordings of the same categories as audio."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from mmavs.audio import SAMPLE_RATE
from mmavs.datasets.avsbench_object import AVSBenchObjectDataset
from mmavs.datasets.clip_dataset import FRAME_SECONDS, Clip
from mmavs.utils.files import COPY_MODES, describe_input, place_file, write_text

from ..parallel import WorkerPool, default_workers
from ..recording_files import find_recordings
from ..resampling import check_disjoint
from ..vpo_builder.cache import ResultCache
from ..vpo_builder.recordings import CHECK_VERSION, Recording, probe_recordings, read_sounds_csv, take_validation
from .clip_copy import ClipJob, make_clip
from .recording_choice import assign, category_of_label, group_by_category

SPLITS = ('train', 'val', 'test')
SECONDS = 5.0  # length of a clip of S4
TABLE, SETTINGS, CACHE = 'substitution.csv', 'substitution.json', '.recordings.jsonl'


@dataclass(frozen=True, kw_only=True)
class SubstitutionOptions:
    """Options of a substitution.

    Attributes:
        root: Folder of AVSBench-Object, which is not changed.
        out: Root of the new tree; neither folder may contain the other.
        sounds_csv: VGGSound's list: id, start second, label, split.
        sounds: Folder of the recordings, ``<id>_<start second, six digits>.wav``, or of the videos (``.mp4``, ...).
        labels: YAML file, category -> list of VGGSound labels, for categories whose names differ from their labels.
        seed: Seed of the selection of recordings.
        val_fraction: Fraction of VGGSound's training recordings of each label for validation.
        copy_mode: ``'symlink'``, ``'hardlink'`` or ``'copy'`` for frames and masks.
        workers: Number of processes, None for one per CPU core. The result does not depend on it.
        overwrite: Replaces the audio of a tree with other settings.
    """

    root: str
    out: str
    sounds_csv: str
    sounds: str
    labels: str | None = None
    seed: int = 0
    val_fraction: float = 0.1
    copy_mode: str = 'symlink'
    workers: int | None = None
    overwrite: bool = False


class Substituted(NamedTuple):
    """Result of a substitution.

    Attributes:
        clips: Number of clips.
        written: Number of audio files written by this run; the others existed before.
        unusable: (recording, reason) of the listed recordings that cannot be used.
    """

    clips: int
    written: int
    unusable: list[tuple[str, str]]


def substitute_audio(options: SubstitutionOptions) -> Substituted:
    """Makes a tree with the frames and masks of S4, and with the middle parts of other recordings as audio.

    Every clip gets a recording of its category and split. Training and validation share VGGSound's training part
    without an overlap, and test uses VGGSound's test part. Within a category, all recordings are used equally often,
    and none by a clip of its own video. The audio is mono, 16 kHz, 32-bit float. ``substitution.csv`` lists the
    recording of each clip. The pickled spectrograms of AVSBench, which belong to the original audio, are not copied. An
    interrupted run resumes.

    Raises:
        FileNotFoundError: An input is missing; the message names it.
        ValueError: An option is out of range, a category has no recording for a split, or ``out`` has another tree.
        OSError: A file cannot be written; no incomplete file is left.
    """
    _check_options(options)
    clips = {split: _clips_of(options.root, split) for split in SPLITS}
    with WorkerPool(options.workers or default_workers()) as pool:
        wanted = sorted({clip.category for found in clips.values() for clip in found})
        recordings, unusable = _usable_recordings(options, wanted, pool)
        pool_of = group_by_category(recordings, wanted, _read_labels(options.labels))
        table = assign(clips, pool_of, seed=options.seed)
        _begin(options, table)
        files = find_recordings(options.sounds, {recording.name for recording in table.values()})
        jobs = [_job(options, clip, files[table[clip.name].name]) for found in clips.values() for clip in found]
        written = sum(pool.map(make_clip, jobs, total=len(jobs), desc='Substituting audio'))
    _finish(options, table)
    return Substituted(len(jobs), written, unusable)


def _check_options(options: SubstitutionOptions) -> None:
    for path in (options.sounds_csv, options.sounds, *filter(None, [options.labels])):
        if not os.path.exists(path):
            raise FileNotFoundError(f'{path} does not exist')
    check_disjoint(options.root, options.out)
    if os.path.isdir(os.path.join(options.out, 'Single-source')) and not os.path.isfile(
        os.path.join(options.out, SETTINGS)
    ):
        raise ValueError(f'{options.out} has a tree that was not made by this tool; choose another --out')
    if options.copy_mode not in COPY_MODES:
        raise ValueError(f'--copy-mode must be one of {", ".join(COPY_MODES)}; got {options.copy_mode!r}')
    if not 0 < options.val_fraction < 1:
        raise ValueError(f'--val-fraction must lie between 0 and 1, got {options.val_fraction}')
    if options.workers is not None and options.workers < 1:
        raise ValueError(f'--workers must be at least 1, got {options.workers}')


def _clips_of(root: str, split: str) -> list[Clip]:
    dataset = AVSBenchObjectDataset('s4', split, data_root=root, lazy_init=True)
    return list(dataset.load_clips())


def _read_labels(path: str | None) -> dict[str, list[str]]:
    if path is None:
        return {}
    with open(path, encoding='utf-8') as f:
        try:
            content = yaml.safe_load(f)
        except yaml.YAMLError as error:
            raise ValueError(f'{path}: not valid YAML: {error}') from error
    if not isinstance(content, dict) or not all(isinstance(labels, list) for labels in content.values()):
        raise ValueError(
            f'{path} must map each category to a list of VGGSound labels, as in `bell: [church bell ringing]`'
        )
    return {str(category): [str(label) for label in labels] for category, labels in content.items()}


def _usable_recordings(
    options: SubstitutionOptions, wanted: Sequence[str], pool: WorkerPool
) -> tuple[list[Recording], list[tuple[str, str]]]:
    """The usable recordings of the wanted categories, and (name, reason) of the others."""
    listed, doubtful = read_sounds_csv(options.sounds_csv)
    labels = _read_labels(options.labels)
    others = {label for found in labels.values() for label in found}
    listed = [r for r in listed if category_of_label(r.label) in wanted or r.label in others]
    names = [r.name for r in listed]
    with ResultCache(os.path.join(_make_folder(options.out), CACHE), CHECK_VERSION) as cache:
        problems = probe_recordings(names, folder=options.sounds, seconds=SECONDS, cache=cache, pool=pool)
    unusable = sorted([*doubtful, *problems.items()])
    usable = [r for r in listed if r.name not in problems]
    return take_validation(usable, fraction=options.val_fraction, seed=options.seed), unusable


def _make_folder(path: str) -> str:
    os.makedirs(path, exist_ok=True)
    return path


def _begin(options: SubstitutionOptions, table: Mapping[str, Recording]) -> None:
    """Writes the settings of the new tree, and removes audio with other settings."""
    text = json.dumps(_settings(options, table), indent=1) + '\n'
    path = os.path.join(options.out, SETTINGS)
    if os.path.isfile(path):
        with open(path, encoding='utf-8') as f:
            same = f.read() == text
        if not same and not options.overwrite:
            raise ValueError(
                f'{options.out} has audio of other recordings or settings, see {SETTINGS}; choose another --out, or '
                'replace the audio with --overwrite'
            )
        if not same:
            _remove_audio(options.out)
    write_text(path, text)


def _remove_audio(out: str) -> None:
    for folder, _, names in os.walk(os.path.join(out, 'Single-source', 's4_data', 'audio_wav')):
        for name in names:
            os.unlink(os.path.join(folder, name))


def _settings(options: SubstitutionOptions, table: Mapping[str, Recording]) -> dict[str, Any]:
    return {
        'seed': options.seed,
        'val_fraction': options.val_fraction,
        'sounds_csv': describe_input(options.sounds_csv),
        'sample_rate': SAMPLE_RATE,
        'recordings': {clip: recording.name for clip, recording in sorted(table.items())},
    }


def _finish(options: SubstitutionOptions, table: Mapping[str, Recording]) -> None:
    """Writes the list of recordings and finally the annotation, since the tree cannot be loaded without it."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator='\n')
    writer.writerow(('clip', 'recording', 'label'))
    writer.writerows((clip, r.name, r.label) for clip, r in sorted(table.items()))
    write_text(os.path.join(options.out, TABLE), lines.getvalue())
    name = os.path.join('Single-source', 's4_meta_data.csv')
    place_file(os.path.join(options.root, name), os.path.join(options.out, name), 'copy')


def _job(options: SubstitutionOptions, clip: Clip, recording: str) -> ClipJob:
    target = lambda path: os.path.join(options.out, os.path.relpath(path, options.root))  # noqa: E731
    files = [path for path in (*clip.frames, *clip.masks) if path is not None]
    return ClipJob(
        tuple((path, target(path)) for path in files),
        options.copy_mode,
        recording,
        target(clip.audio_path),
        len(clip.frames) * FRAME_SECONDS,
    )

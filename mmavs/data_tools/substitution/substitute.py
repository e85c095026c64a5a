"""AVS-M-SS (Sec. 5.2 of the paper): S4 of AVSBench-Object with other recordings of its categories as sounds."""

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
from ..resampling import check_apart
from ..vpo_builder.cache import ResultCache
from ..vpo_builder.recordings import CHECK_VERSION, Recording, probe_recordings, read_sounds_csv, take_validation
from .clip_copy import ClipJob, make_clip
from .recording_choice import assign, category_of_label, group_by_category

SPLITS = ('train', 'val', 'test')
SECONDS = 5.0  # of a clip of S4
TABLE, SETTINGS, CACHE = 'substitution.csv', 'substitution.json', '.recordings.jsonl'


@dataclass(frozen=True, kw_only=True)
class SubstitutionOptions:
    """What the user asks for.

    Attributes:
        root: AVSBench-Object as unpacked; is never changed.
        out: Root of the new tree, apart from ``root``.
        sounds_csv: VGGSound's list: id, start second, label, split.
        sounds: Folder of the recordings, ``<id>_<start second, six digits>.wav``.
        labels: YAML file, category -> list of VGGSound labels, for categories that are not named as their label.
        seed: Of the choice of recordings.
        val_fraction: Share of VGGSound's training recordings, of each label, that validation gets.
        copy_mode: ``'symlink'``, ``'hardlink'`` or ``'copy'`` for frames and masks.
        workers: Number of processes, None for one per CPU core. The result does not depend on it.
        overwrite: Replace the sounds of a tree of other settings.
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
    """What was done.

    Attributes:
        clips: Number of clips.
        written: Number of sounds written now; the others were there.
        unusable: (recording, reason) of the listed recordings that cannot be used.
    """

    clips: int
    written: int
    unusable: list[tuple[str, str]]


def substitute_audio(options: SubstitutionOptions) -> Substituted:
    """Makes a tree with the frames and masks of S4 and the middle of other recordings as sounds.

    Every clip gets a recording of its category and split: training those of VGGSound's training part, validation a
    share of these, test VGGSound's test part, so that no recording is in two splits. Within a category each recording
    is used as often as any other, and none by a clip of its own video. Sounds are mono, 16 kHz, 32-bit floats.
    ``substitution.csv`` says which clip got which. The pickled spectrograms of AVSBench, which hold the old sound, are
    left behind. An interrupted run goes on where it stopped.

    Raises:
        FileNotFoundError: An input is missing; the message names it.
        ValueError: An option is out of range, a category has no recording for a split, or ``out`` holds another tree.
        OSError: A file cannot be written; no incomplete one is left.
    """
    _check_options(options)
    clips = {split: _clips_of(options.root, split) for split in SPLITS}
    with WorkerPool(options.workers or default_workers()) as pool:
        wanted = sorted({clip.category for found in clips.values() for clip in found})
        recordings, unusable = _usable_recordings(options, wanted, pool)
        pool_of = group_by_category(recordings, wanted, _read_labels(options.labels))
        table = assign(clips, pool_of, seed=options.seed)
        _begin(options, table)
        jobs = [_job(options, clip, table[clip.name]) for found in clips.values() for clip in found]
        written = sum(pool.map(make_clip, jobs, total=len(jobs), desc='Substituting sounds'))
    _finish(options, table)
    return Substituted(len(jobs), written, unusable)


def _check_options(options: SubstitutionOptions) -> None:
    for path in (options.sounds_csv, options.sounds, *filter(None, [options.labels])):
        if not os.path.exists(path):
            raise FileNotFoundError(f'{path} does not exist')
    check_apart(options.root, options.out)
    if os.path.isdir(os.path.join(options.out, 'Single-source')) and not os.path.isfile(
        os.path.join(options.out, SETTINGS)
    ):
        raise ValueError(f'{options.out} holds a tree that was not made by this tool; choose another --out')
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
            f'{path} must give each category a list of VGGSound labels, as in `bell: [church bell ringing]`'
        )
    return {str(category): [str(label) for label in labels] for category, labels in content.items()}


def _usable_recordings(
    options: SubstitutionOptions, wanted: Sequence[str], pool: WorkerPool
) -> tuple[list[Recording], list[tuple[str, str]]]:
    """The recordings of the wanted categories that can be decoded, and the others with the reason."""
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
    """Says in the new tree what it will be, and removes the sounds of another one."""
    text = json.dumps(_settings(options, table), indent=1) + '\n'
    path = os.path.join(options.out, SETTINGS)
    if os.path.isfile(path):
        with open(path, encoding='utf-8') as f:
            same = f.read() == text
        if not same and not options.overwrite:
            raise ValueError(
                f'{options.out} was made, or begun, with other recordings or settings ({SETTINGS} tells); choose '
                'another --out, or replace its sounds with --overwrite'
            )
        if not same:
            _remove_sounds(options.out)
    write_text(path, text)


def _remove_sounds(out: str) -> None:
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
    """The annotation, which makes the tree one that loads, and the list of what sounds where."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator='\n')
    writer.writerow(('clip', 'recording', 'label'))
    writer.writerows((clip, r.name, r.label) for clip, r in sorted(table.items()))
    write_text(os.path.join(options.out, TABLE), lines.getvalue())
    name = os.path.join('Single-source', 's4_meta_data.csv')
    place_file(os.path.join(options.root, name), os.path.join(options.out, name), 'copy')


def _job(options: SubstitutionOptions, clip: Clip, recording: Recording) -> ClipJob:
    target = lambda path: os.path.join(options.out, os.path.relpath(path, options.root))  # noqa: E731
    files = [path for path in (*clip.frames, *clip.masks) if path is not None]
    return ClipJob(
        tuple((path, target(path)) for path in files),
        options.copy_mode,
        os.path.join(options.sounds, f'{recording.name}.wav'),
        target(clip.audio_path),
        len(clip.frames) * FRAME_SECONDS,
    )

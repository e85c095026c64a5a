"""The list of recordings, the check of their files, and their division into splits."""

import csv
import os
import random
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from mmavs.audio.audio_file import MAX_PEAK, AudioSource, missing_bytes, open_file
from mmavs.audio.container import has_pyav
from mmavs.audio.silence import SILENT_PEAK, Deviation, is_silent
from mmavs.datasets.annotation_table import open_table
from mmavs.datasets.metainfo.vpo_classes import ClassTable
from mmavs.utils.files import stamp

from ..parallel import WorkerPool
from ..recording_files import find_recordings
from .cache import ResultCache

CHECK_VERSION = f'middle-3{"-pyav" if has_pyav() else ""}'
"""Fingerprint of :func:`recording_problem`: stored results of another version are not used."""

SILENT_MIDDLE = 'silent in the middle'
"""Beginning of the problem of a recording that has sound, but none in the seconds that samples take."""

_COLUMNS = {
    'id': 'id',
    'youtubeid': 'id',
    'start': 'start',
    'startsecond': 'start',
    'startseconds': 'start',
    'label': 'label',
    'split': 'split',
    'traintestsplit': 'split',
    'train/testsplit': 'split',
}


class Recording(NamedTuple):
    """One line of the CSV file.

    Attributes:
        name: File name without ``.wav``: id and start second as six digits.
        video: The id.
        label: VGGSound's label.
        split: ``'train'``, ``'val'`` or ``'test'``.
    """

    name: str
    video: str
    label: str
    split: str


def read_sounds_csv(path: str) -> tuple[list[Recording], list[tuple[str, str]]]:
    """Reads VGGSound's list: ``id, start second, label, split``, with or without a header of these names.

    Returns:
        The recordings sorted by name, and (name, reason) of recordings with contradictory rows.

    Raises:
        ValueError: A row has too few fields or an invalid start or split, or the file is not a CSV file in UTF-8; the
            message names file and line.
    """
    found: dict[str, set[Recording]] = {}
    columns = ['id', 'start', 'label', 'split']
    with open_table(path) as f:
        reader = csv.reader(f)
        for row in reader:
            if reader.line_num == 1 and (header := _parse_header(path, row)):
                columns = header
            elif row:
                recording = _parse_row(path, reader.line_num, row, columns)
                found.setdefault(recording.name, set()).add(recording)
    clear = [next(iter(rows)) for rows in found.values() if len(rows) == 1]
    doubtful = [(name, 'listed with different labels or splits') for name, rows in found.items() if len(rows) > 1]
    return sorted(clear), sorted(doubtful)


def _parse_header(path: str, row: list[str]) -> list[str] | None:
    names = [_COLUMNS.get(''.join(c for c in cell.lower() if c.isalpha() or c == '/')) for cell in row]
    if sum(n is not None for n in names) < 2:
        return None
    missing = {'id', 'start', 'label', 'split'} - set(names)
    if missing:
        raise ValueError(f'{path}: no column {", ".join(sorted(missing))} in the header {row}')
    return names


def _parse_row(path: str, line: int, row: list[str], columns: list[str]) -> Recording:
    if len(row) < len(columns):
        raise ValueError(
            f'{path}, line {line}: {len(row)} fields instead of {len(columns)} (id, start, label, '
            f'split): {row}; a label with a comma needs quotes'
        )
    cells = {column: cell.strip() for column, cell in zip(columns, row, strict=False) if column}
    try:
        start = int(float(cells['start']))
    except (ValueError, OverflowError):
        raise ValueError(f'{path}, line {line}: start second {cells["start"]!r} is not a number') from None
    if cells['split'] not in ('train', 'test'):
        raise ValueError(f"{path}, line {line}: split must be 'train' or 'test', got {cells['split']!r}")
    if os.path.basename(cells['id']) != cells['id'] or not cells['id']:
        raise ValueError(f'{path}, line {line}: id {cells["id"]!r} cannot be a file name')
    return Recording(f'{cells["id"]}_{start:06d}', cells['id'], cells['label'], cells['split'])


def take_validation(recordings: Iterable[Recording], *, fraction: float, seed: int) -> list[Recording]:
    """Moves a fraction of the training recordings of every label to ``'val'``, at least one if there are two.

    Recordings of one video are moved together.
    """
    recordings = list(recordings)
    if not fraction:
        return recordings
    videos: dict[str, set[str]] = {}
    for r in recordings:
        if r.split == 'train':
            videos.setdefault(r.label, set()).add(r.video)
    moved = set()
    for label in sorted(videos):
        ranked = sorted(videos[label], key=lambda v: (random.Random(f'{seed}/val/{v}').random(), v))
        wanted = max(1, round(fraction * len(ranked)))
        moved.update(ranked[: min(wanted, len(ranked) - 1)])
    return [r._replace(split='val') if r.split == 'train' and r.video in moved else r for r in recordings]


def probe_recordings(
    names: list[str], *, folder: str, seconds: float, cache: ResultCache, pool: WorkerPool
) -> dict[str, str]:
    """Decodes every recording once.

    Args:
        names: File names without ``.wav``.
        folder: Folder of the files, see :func:`find_recordings`.
        seconds: Length of the middle part that samples take.
        cache: Stores the results.
        pool: Processes.

    Returns:
        The problem of each recording that has one, by name.
    """
    paths = find_recordings(folder, names)
    stamps = {name: stamp(paths[name]) if name in paths else None for name in names}
    problems = {name: 'missing' for name in names if stamps[name] is None}
    todo = []
    for name in names:
        if stamps[name] is not None:
            known = cache.get(name, stamps[name])
            if known is None:
                todo.append(name)
            elif known:
                problems[name] = known
    jobs = [(paths[name], seconds) for name in todo]
    results = pool.map(recording_problem, jobs, total=len(todo), desc='Checking recordings')
    for name, problem in zip(todo, results, strict=True):
        cache.put(name, stamps[name], problem)
        if problem:
            problems[name] = problem
    return problems


def recording_problem(job: tuple[str, float]) -> str:
    """Decodes a recording completely and returns its problem, or ``''``.

    The text before the colon is the same for all recordings with this problem. With every problem but
    :data:`SILENT_MIDDLE`, the recording cannot be used.

    Args:
        job: Path, and length in seconds of the middle part that samples take.
    """
    path, seconds = job
    try:
        if missing := missing_bytes(path):
            return f'truncated: {missing} bytes of audio are missing'
        frames, peak, deviation = 0, 0.0, Deviation()
        with open_file(path) as f:
            for block in f.blocks(1 << 16, dtype='float32'):
                frames += len(block)
                peak = max(peak, float(np.abs(block).max(initial=0.0)))
                if not np.isfinite(block).all():
                    return 'has samples that are not finite'
                deviation.add(block)
            declared, loud = f.frames, deviation.peak >= SILENT_PEAK
            middle_silent = loud and peak <= MAX_PEAK and is_silent(_middle(f, frames, seconds))
    except (RuntimeError, OSError, ValueError) as error:
        return f'cannot be decoded: {error}'.replace(path, 'file')
    if frames == 0:
        return 'has no samples'
    if frames < declared:
        return f'truncated: {frames} of {declared} samples'
    if peak > MAX_PEAK:
        return f'has samples that are too large: {peak:.3g}, where full scale is 1'
    if not loud:
        return f'silent: peak below {SILENT_PEAK:.1e} without the mean'
    return f'{SILENT_MIDDLE} {seconds:g} s: peak below {SILENT_PEAK:.1e} without the mean' if middle_silent else ''


def _middle(f: AudioSource, frames: int, seconds: float) -> np.ndarray:
    """The middle ``seconds`` of ``frames`` samples, or all if there are fewer; channels averaged, as for training."""
    count = min(frames, round(seconds * f.samplerate))
    f.seek((frames - count) // 2)
    return f.read(count, dtype='float32', always_2d=True).mean(1)


def group_recordings(recordings: Iterable[Recording], table: ClassTable) -> dict[str, dict[int, list[str]]]:
    """Names of the recordings by split and class index (0 is the first class of the table), each list in order."""
    classes: dict[str, list[int]] = {}
    for index, entry in enumerate(table.classes):
        for label in entry.sounds:
            classes.setdefault(label, []).append(index)
    grouped: dict[str, dict[int, list[str]]] = {}
    for r in sorted(recordings):
        for index in classes.get(r.label, ()):
            grouped.setdefault(r.split, {}).setdefault(index, []).append(r.name)
    return grouped

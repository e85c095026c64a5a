"""The recordings: read, checked, and divided by split and class."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from mmavs.datasets.metainfo.vpo_classes import ClassTable
from mmavs.utils.nearest import nearest_hint

from ..parallel import WorkerPool
from .cache import ResultCache
from .exclusions import Exclusions
from .recordings import (
    CHECK_VERSION,
    SILENT_MIDDLE,
    group_recordings,
    probe_recordings,
    read_sounds_csv,
    take_validation,
)
from .sampling import Pool

log = logging.getLogger(__name__)
SECONDS = 3.0
"""Length in seconds of the middle part of a recording that a sample of VPO uses."""


@dataclass
class RecordingSet:
    """The recordings.

    Attributes:
        pool: Names of the usable recordings by split and class.
        missing: Number of listed recordings without a file.
        unusable: (name, reason) of the other recordings that are not used.
        silent: Names of the used recordings whose middle part, which samples take, is silent.
        absent_labels: Labels of the table without a recording.
    """

    pool: Pool
    missing: int
    unusable: list[tuple[str, str]]
    silent: list[str]
    absent_labels: list[str]

    def excluded(self) -> Exclusions:
        """The recordings that are not used, by reason."""
        found = Exclusions()
        for name, reason in self.unusable:
            found.add(reason.split(':', 1)[0], f'{name}.wav')
        return found


def load_recordings(
    csv_path: str,
    folder: str,
    table: ClassTable,
    *,
    val_fraction: float,
    seed: int,
    skip_silent: bool,
    cache_file: str,
    pool: WorkerPool,
) -> RecordingSet:
    """Reads the list of recordings and decodes each of them once.

    Args:
        csv_path: The list.
        folder: Folder of the files.
        table: The classes.
        val_fraction: See :func:`take_validation`.
        seed: Likewise.
        skip_silent: Leaves out recordings that are silent in the seconds that samples take.
        cache_file: Stores the results of the checks.
        pool: Processes.

    Raises:
        ValueError: The list is malformed, or no recording of the classes can be used.
    """
    labels = {label for c in table.classes for label in c.sounds}
    listed, doubtful = read_sounds_csv(csv_path)
    recordings = [r for r in listed if r.label in labels]
    absent = sorted(labels - {r.label for r in recordings})
    hints = _nearest_labels(absent, {r.label for r in listed} - labels)
    if not recordings:
        raise ValueError(
            f'{csv_path}: no recording has a label of {table.path}; correct `sounds` of the classes'
            + ''.join(f'; {hint}' for hint in hints)
        )
    for hint in hints:
        log.warning('%s: %s; if that is wrong, correct `sounds` in %s', csv_path, hint, table.path)
    with ResultCache(cache_file, CHECK_VERSION) as cache:
        problems = probe_recordings(
            [r.name for r in recordings], folder=folder, seconds=SECONDS, cache=cache, pool=pool
        )
    silent = [] if skip_silent else sorted(n for n, p in problems.items() if p.startswith(SILENT_MIDDLE))
    problems = {name: problem for name, problem in problems.items() if name not in set(silent)}
    usable = [r for r in recordings if r.name not in problems]
    if not usable:
        raise ValueError(
            f'{folder}: none of the {len(recordings)} recordings of {csv_path} can be used, the first '
            f'({recordings[0].name}.wav): {problems[recordings[0].name]}; check --sounds'
        )
    unusable = sorted(doubtful + [(n, p) for n, p in problems.items() if p != 'missing'])
    grouped = group_recordings(take_validation(usable, fraction=val_fraction, seed=seed), table)
    return RecordingSet(grouped, sum(p == 'missing' for p in problems.values()), unusable, silent, absent)


def _nearest_labels(absent: Iterable[str], known: set[str]) -> list[str]:
    """A message for each absent label that is similar to an unused label of the list."""
    hints = ((label, nearest_hint(label, sorted(known))) for label in absent)
    return [f'no recording has the label {label!r}{hint}' for label, hint in hints if hint]

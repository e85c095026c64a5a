"""The recordings: read, checked, and divided by split and class."""

from dataclasses import dataclass

from mmavs.datasets.metainfo.vpo_classes import ClassTable

from ..parallel import WorkerPool
from .cache import ResultCache
from .recordings import group_recordings, probe_recordings, read_sounds_csv, take_validation
from .sampling import Pool


@dataclass
class SoundSet:
    """The recordings.

    Attributes:
        pool: Names of the usable recordings by split and class.
        missing: Number of listed recordings without a file.
        unreadable: (name, reason) of the others that cannot be used.
        silent_labels: Labels of the table that no recording carries.
    """

    pool: Pool
    missing: int
    unreadable: list[tuple[str, str]]
    silent_labels: list[str]


def load_sounds(
    csv_path: str, folder: str, table: ClassTable, *, val_fraction: float, seed: int, cache_file: str, pool: WorkerPool
) -> SoundSet:
    """Reads the list of recordings and decodes each once.

    Raises:
        ValueError: The list is malformed, or no recording of a sounding class can be used.
    """
    labels = {label for c in table.classes for label in c.sounds}
    recordings, doubtful = read_sounds_csv(csv_path)
    silent = sorted(labels - {r.label for r in recordings})
    recordings = [r for r in recordings if r.label in labels]
    if not recordings:
        raise ValueError(f'{csv_path}: no recording has a label of {table.path}; correct `sounds` of the classes')
    with ResultCache(cache_file, '') as cache:
        problems = probe_recordings([r.name for r in recordings], folder=folder, cache=cache, pool=pool)
    usable = [r for r in recordings if r.name not in problems]
    if not usable:
        raise ValueError(
            f'{folder}: none of the {len(recordings)} recordings of {csv_path} can be used, the first '
            f'({recordings[0].name}.wav): {problems[recordings[0].name]}; check --sounds'
        )
    unreadable = sorted(doubtful + [(n, p) for n, p in problems.items() if p != 'missing'])
    grouped = group_recordings(take_validation(usable, fraction=val_fraction, seed=seed), table)
    return SoundSet(grouped, sum(p == 'missing' for p in problems.values()), unreadable, silent)

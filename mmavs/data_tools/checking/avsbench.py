"""Check of unpacked AVSBench folders: all parts and splits of a folder, without a config."""

from pathlib import Path

from mmengine.config import Config

from mmavs.datasets.avsbench_object import AVSBenchObjectDataset
from mmavs.datasets.avsbench_semantic import FRAMES

from .check import LOADERS, CheckResult, check_config

PUBLISHED = {'S4': (3452, 740, 740), 'MS3': (296, 64, 64)}
"""Number of videos of the released sets: training, validation, test."""


def find_parts(root: str) -> dict[str, dict]:
    """Finds the parts of AVSBench in a folder; returns the configs of their datasets by name.

    Raises:
        FileNotFoundError: The folder has no part.
    """
    parts = {}
    for name, table in (('S4', 'Single-source/s4_meta_data.csv'), ('MS3', 'Multi-sources/ms3_meta_data.csv')):
        if Path(root, table).is_file():
            parts[name] = dict(type=AVSBenchObjectDataset.__name__, subset=name.lower())
    if Path(root, 'metadata.csv').is_file():
        parts |= {f'AVSS {part}': dict(type='AVSBenchSemanticDataset', subsets=part) for part in FRAMES}
    if not parts:
        raise FileNotFoundError(
            f'{root} has none of Single-source/s4_meta_data.csv, Multi-sources/ms3_meta_data.csv and metadata.csv: '
            'give the folder to which AVSBench-Object or AVSBench-Semantic was unpacked'
        )
    return {name: dict(dataset, data_root=str(root)) for name, dataset in parts.items()}


def check_part(dataset: dict, *, workers: int | None = None) -> CheckResult:
    """Checks all splits of a part as :func:`check_config` checks the data loaders of a config.

    Args:
        dataset: Config of the dataset, without a split.
        workers: Number of processes, None for one per CPU core.
    """
    pipeline = [
        dict(type='LoadFrame'),
        dict(type='LoadAudio', duration=1.0, channels=1),
        dict(type='LoadAVAnnotations'),
    ]
    loaders = {f'{split}_dataloader': dict(dataset=dict(dataset, split=split, pipeline=pipeline)) for split in LOADERS}
    return check_config(Config(loaders), workers=workers, compare_classes=False)


def count_notes(results: dict[str, CheckResult]) -> list[str]:
    """One line for every part whose number of videos differs from the published one."""
    notes = []
    for name, published in PUBLISHED.items():
        if name in results:
            found = tuple(results[name].loaders[split].clips for split in LOADERS)
            if found != published:
                notes.append(
                    f'{name} has {", ".join(map(str, found))} videos for {", ".join(LOADERS)}; as released it has '
                    f'{", ".join(map(str, published))}.'
                )
    return notes

"""Tests below work dirs: metrics, configs, seeds and classification."""

import re
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from run_results import read_metrics_file

from .classify import RunClass, classify

TIME = re.compile(r'\d{8}_\d{6}')


@dataclass(frozen=True)
class Run:
    """A tested checkpoint.

    Attributes:
        folder: Folder of the results, ``<work dir>/<time>``.
        training: The folder of the checkpoint, which identifies the training; the test's own if it is not recorded.
        seed: Seed of the training; None if it is not recorded.
        kind: See :class:`RunClass`.
        metrics: Name -> value.
    """

    folder: Path
    training: str
    seed: int | None
    kind: RunClass
    metrics: dict[str, float]


def find_runs(work_dirs: list[Path]) -> tuple[list[Run], list[tuple[str, str]]]:
    """The tests in and below work dirs, the latest of each training and kind.

    Returns:
        tuple: The runs, and (folder, reason) of each test that is left out.

    Raises:
        ValueError: A work dir does not exist.
    """
    for folder in work_dirs:
        if not folder.is_dir():
            raise ValueError(
                f'{folder} is not a folder; give the work dirs of tools/test.py, or a folder that has them'
            )
    files = {path.resolve() for folder in work_dirs for path in folder.rglob('*.json') if _is_result(path)}
    runs, left_out = {}, []
    for path in sorted(files, key=lambda path: (path.stat().st_mtime, path)):
        try:
            run = _read(path)
        except ValueError as e:
            left_out.append((str(path.parent), str(e)))
            continue
        key = (run.training, run.kind)
        if key in runs:
            left_out.append((str(runs[key].folder), f'{run.folder} is a later test of the same training'))
        runs[key] = run
    return list(runs.values()), left_out


def find_seed(work_dir: Path, source: str = 'test') -> int | None:
    """The seed of the training of a work dir; None if no config records it.

    Args:
        work_dir: As for ``read_metrics`` of `run_results.py`.
        source: ``'test'``: the work dir of a test, whose checkpoint's folder has the seed; ``'val'``: of a training.
    """
    pattern = '*/*.json' if source == 'test' else '*/vis_data/scalars.json'
    found = [path for path in work_dir.glob(pattern) if source == 'val' or _is_result(path)]
    if not found:
        return None
    newest = max(found, key=lambda path: path.stat().st_mtime)
    folder = newest.parent if source == 'test' else newest.parent.parent
    config = _read_config(folder)
    if config is None:
        return None
    training = _training_folder(config.get('load_from'), folder) if source == 'test' else None
    train = _read_newest_config(training) if training and training.is_dir() else None
    return ((train or config).get('randomness') or {}).get('seed')


def _is_result(path: Path) -> bool:
    return path.stem == path.parent.name and TIME.fullmatch(path.stem) is not None


def _read(path: Path) -> Run:
    folder = path.parent
    test = _read_config(folder)
    if test is None:
        raise ValueError('the config of the test, vis_data/config.py, is missing; run the test again')
    training = _training_folder(test.get('load_from'), folder)
    train = _read_newest_config(training) if training and training.is_dir() else None
    source = train or test
    return Run(
        folder=folder,
        training=str(training.resolve() if training else folder),
        seed=(source.get('randomness') or {}).get('seed'),
        kind=classify(test, train),
        metrics=read_metrics_file(path),
    )


def _training_folder(checkpoint: str | None, test: Path) -> Path | None:
    """The folder of the checkpoint; a relative path starts at the current folder or a parent folder of the test."""
    if not checkpoint:
        return None
    places = [place / Path(checkpoint).parent for place in (Path.cwd(), *test.parents)]
    return next((place for place in places if place.is_dir()), places[0])


def _read_config(folder: Path) -> Config | None:
    path = folder / 'vis_data' / 'config.py'
    if not path.is_file():
        return None
    try:
        return Config.fromfile(path, import_custom_modules=False)
    except Exception as e:  # a truncated config is invalid Python code and may raise any error
        raise ValueError(f'{path} cannot be read ({type(e).__name__}: {e}); run the test again') from e


def _read_newest_config(training: Path) -> Config | None:
    """The config of a training: the newest one that has training data and is not that of a test."""
    folders = [f for f in training.iterdir() if TIME.fullmatch(f.name) and not (f / f'{f.name}.json').is_file()]
    for folder in sorted(folders, reverse=True):
        config = _read_config(folder)
        if config is not None and config.get('train_dataloader'):
            return config
    return None

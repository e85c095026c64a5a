"""Reads the metrics of `tools/test.py` and `tools/train.py` from their work dirs."""

import json
from pathlib import Path

SOURCES = ('test', 'val')
NOT_METRICS = ('time', 'data_time', 'step', 'epoch', 'iter', 'memory')


def read_metrics(work_dir: Path, source: str = 'test') -> dict[str, float]:
    """The metrics of a run.

    Args:
        work_dir: The work dir of the run. If it holds several tests or trainings, the latest is read.
        source: ``'test'``: ``<time>/<time>.json`` of `tools/test.py`; ``'val'``: the last validation in
            ``<time>/vis_data/scalars.json`` of `tools/train.py`, with its ``step``.

    Returns:
        dict: All metrics, without durations.

    Raises:
        ValueError: There are no metrics, because the run has not finished, or a file is truncated.
    """
    if source not in SOURCES:
        raise ValueError(f'source must be one of {", ".join(SOURCES)}, got {source!r}')
    if not work_dir.is_dir():
        raise ValueError(f'{work_dir} is not a folder; give the work dirs of runs')
    return (_read_test if source == 'test' else _read_last_validation)(work_dir)


def _read_test(work_dir: Path) -> dict[str, float]:
    path = _newest(p for p in work_dir.glob('*/*.json') if p.stem == p.parent.name)
    if path is None:
        raise ValueError(
            f'{work_dir} has no <time>/<time>.json of tools/test.py: this test has not finished; run it again'
        )
    return read_metrics_file(path)


def read_metrics_file(path: Path) -> dict[str, float]:
    """The metrics in a result file of `tools/test.py`.

    Raises:
        ValueError: The file is truncated.
    """
    return _numbers(_parse(path.read_text(), path))


def _read_last_validation(work_dir: Path) -> dict[str, float]:
    path = _newest(work_dir.glob('*/vis_data/scalars.json'))
    lines = path.read_text().splitlines() if path else []
    entries = [_parse(line, path) for line in lines if line.strip()]
    # Entries of training have a learning rate or a loss.
    entries = [e for e in entries if _numbers(e) and not any(k == 'lr' or 'loss' in k for k in e)]
    if not entries:
        raise ValueError(
            f'{work_dir} has no validation in <time>/vis_data/scalars.json: this training has not finished; continue it'
        )
    return _numbers(entries[-1]) | dict(step=entries[-1]['step'])


def _newest(paths) -> Path | None:
    return max(paths, key=lambda path: path.stat().st_mtime, default=None)


def _parse(text: str, path: Path) -> dict:
    try:
        return json.loads(text)
    except json.JSONDecodeError as e:
        raise ValueError(f'{path} is not valid JSON ({e}); the run may have been interrupted, run it again') from e


def _numbers(entry: dict) -> dict[str, float]:
    return {
        name: value
        for name, value in entry.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and name not in NOT_METRICS
    }

"""Work on many small jobs in several processes, with a progress bar."""

import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from runpy import run_path
from types import ModuleType
from typing import Any

from tqdm import tqdm

_CHUNK = 16
_WORKER_SETUP = str(Path(__file__).with_name('worker_setup.py'))


def default_workers() -> int:
    """Number of CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


class WorkerPool:
    """Processes for the functions of this package; they start with the first work that is worth it.

    Args:
        workers: Number of processes; 1 works in this one.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> 'WorkerPool':
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def map(self, function: Callable[[Any], Any], jobs: Iterable[Any], *, total: int, desc: str) -> Iterator[Any]:
        """Yields ``function(job)`` for every job, in the order of the jobs, whatever the number of processes.

        Only a few chunks of jobs are in flight, so that ``jobs`` may be a generator over more than fits into memory.

        Args:
            function: A function of a module of this package.
            jobs: Arguments.
            total: Number of jobs.
            desc: What the progress bar says.

        Raises:
            RuntimeError: A process died, as when memory ran out.
        """
        with tqdm(total=total, desc=desc, mininterval=0.5, disable=total == 0) as bar:
            alone = self.workers == 1 or total <= _CHUNK
            for result in map(function, jobs) if alone else self._spread(function, iter(jobs)):
                yield result
                bar.update()

    def _spread(self, function: Callable[[Any], Any], jobs: Iterator[Any]) -> Iterator[Any]:
        if self._pool is None:
            # Spawned on every platform: a fork would copy the memory of this process page by page, and the locks of
            # its threads.
            self._pool = ProcessPoolExecutor(
                self.workers,
                mp_context=multiprocessing.get_context('spawn'),
                initializer=run_path,
                initargs=(_WORKER_SETUP,),
            )
        pending: deque = deque()
        try:
            while True:
                while len(pending) < 4 * self.workers and (chunk := list(islice(jobs, _CHUNK))):
                    with _bare_main():
                        pending.append(self._pool.submit(_work_chunk, function, chunk))
                if not pending:
                    return
                yield from pending.popleft().result()
        except BrokenProcessPool as error:
            raise RuntimeError(
                'a worker process died, most likely for lack of memory; run again with fewer '
                '--workers, a build resumes where it stopped'
            ) from error


def _work_chunk(function: Callable[[Any], Any], chunk: list[Any]) -> list[Any]:
    return [function(job) for job in chunk]


@contextmanager
def _bare_main() -> Iterator[None]:
    """Keeps new processes from running the main script again, which may import more than a worker needs."""
    main = sys.modules['__main__']
    sys.modules['__main__'] = ModuleType('__main__')
    try:
        yield
    finally:
        sys.modules['__main__'] = main

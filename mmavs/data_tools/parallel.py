"""Work on many small jobs in several processes, with a progress bar."""

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any

from tqdm import tqdm

_CHUNK = 16
_PR_SET_PDEATHSIG = 1  # of prctl(2)


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
            # A fork imports nothing again; where there is none, each worker imports mmavs.
            method = 'fork' if sys.platform == 'linux' else 'spawn'
            self._pool = ProcessPoolExecutor(
                self.workers,
                mp_context=multiprocessing.get_context(method),
                initializer=_set_up_worker,
                initargs=(os.getpid(),),
            )
        pending: deque = deque()
        try:
            while True:
                while len(pending) < 4 * self.workers and (chunk := list(islice(jobs, _CHUNK))):
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


def _set_up_worker(parent: int) -> None:
    """Readies a worker process: ends it with its parent, and leaves objects and threads of the parent alone."""
    _end_with(parent)
    gc.freeze()  # a collection would touch, and so copy, the parent's memory page by page
    if 'torch' in sys.modules:
        sys.modules['torch'].set_num_threads(1)  # several workers share the cores, and a fork has no OpenMP threads


def _end_with(parent: int) -> None:
    """Has the kernel kill this process when its parent ends; elsewhere than on Linux a thread waits for that.

    The kernel's signal also ends C code that holds the interpreter's lock.
    """
    if sys.platform == 'linux':
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the call
            os._exit(1)
    else:
        threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)

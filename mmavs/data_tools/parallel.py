"""Many small jobs in several processes, with a progress bar."""

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
    """Worker processes for the functions of this package.

    Forked workers need no imports. They start when the context is entered, before this process holds much data, since
    every memory page that it changes later is copied. Spawned workers import mmavs, which takes some seconds; they
    start with the first large number of jobs.

    Args:
        workers: Number of processes. With 1, this process does the work.
        start_method: ``'fork'`` or ``'spawn'``; None for fork on Linux and spawn elsewhere.
    """

    def __init__(self, workers: int, start_method: str | None = None) -> None:
        self.workers = workers
        self.start_method = start_method or ('fork' if sys.platform == 'linux' else 'spawn')
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> 'WorkerPool':
        if self.workers > 1 and self.start_method == 'fork':
            self._pool = self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def map(self, function: Callable[[Any], Any], jobs: Iterable[Any], *, total: int, desc: str) -> Iterator[Any]:
        """Yields ``function(job)`` for every job, in the order of the jobs.

        Only a few chunks of jobs are submitted at a time, so that ``jobs`` may be a generator of any length.

        Args:
            function: A function of a module of this package.
            jobs: Arguments.
            total: Number of jobs.
            desc: Text of the progress bar.

        Raises:
            RuntimeError: A process ended, for example because the memory was full.
        """
        with tqdm(total=total, desc=desc, mininterval=0.5, disable=total == 0) as bar:
            in_this_process = self.workers == 1 or total <= _CHUNK
            for result in map(function, jobs) if in_this_process else self._spread(function, iter(jobs)):
                yield result
                bar.update()

    def _start(self) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context(self.start_method),
            initializer=_set_up_worker,
            initargs=(os.getpid(),),
        )
        # A forked process inherits OpenCV's thread pool without its threads. With one thread there is no pool.
        opencv = sys.modules.get('cv2')
        threads = opencv.getNumThreads() if opencv else 1
        if opencv:
            opencv.setNumThreads(1)
        pool.submit(os.getpid)  # starts the processes
        if opencv:
            opencv.setNumThreads(threads)
        return pool

    def _spread(self, function: Callable[[Any], Any], jobs: Iterator[Any]) -> Iterator[Any]:
        if self._pool is None:
            self._pool = self._start()
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
                'a worker process ended unexpectedly, most likely because the memory was full; run again with fewer '
                '--workers: finished work is not repeated'
            ) from error


def _work_chunk(function: Callable[[Any], Any], chunk: list[Any]) -> list[Any]:
    return [function(job) for job in chunk]


def _set_up_worker(parent: int) -> None:
    """Prepares a worker process: it ends with its parent and avoids copies of the parent's memory."""
    _end_with_parent(parent)
    gc.freeze()  # a garbage collection would write to every memory page of the parent and thereby copy it
    # The workers share the cores, and a fork has no OpenMP threads.
    if 'torch' in sys.modules:
        sys.modules['torch'].set_num_threads(1)
    if 'cv2' in sys.modules:
        sys.modules['cv2'].setNumThreads(1)


def _end_with_parent(parent: int) -> None:
    """Ends this process when its parent ends: by a kernel signal on Linux, by a waiting thread elsewhere.

    The signal also ends C code that holds the global interpreter lock.
    """
    if sys.platform == 'linux':
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent ended before the call
            os._exit(1)
    else:
        threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)

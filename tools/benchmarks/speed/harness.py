"""Times two implementations of one function in alternation, each in a separate process."""

import ctypes
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

SIDES = ('ours', 'reference')
ALLOCATOR_VARIABLES = ('GLIBC_TUNABLES', 'MALLOC_MMAP_MAX_', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_')


class Case(NamedTuple):
    """Two implementations of one function.

    Attributes:
        ours: Runs ours.
        reference: Runs the reference implementation.
        equal: Returns True if the results of both are equal on the timed inputs.
        settings: Sizes and other settings to record.
        units: Number of results of a call; the time of a call is divided by it.
    """

    ours: Callable[[], Any]
    reference: Callable[[], Any]
    equal: Callable[[], bool]
    settings: dict
    units: int = 1


class Benchmark(NamedTuple):
    """A benchmark and its goals.

    Attributes:
        make: (tiny, folder for files) -> :class:`Case`.
        goal: The smallest accepted ratio of the reference's time to ours.
        memory_goal: The largest accepted ratio of our extra memory to the reference's; None does not measure memory.
        rounds: Number of timed runs of each side.
        keep: Whether ours and the reference keep freed memory, as the tools do; False uses glibc's defaults.
        threads: Number of threads; 1 for code that runs in workers of a data loader, None for the number of cores.
        extra: Further measurements, (tiny, folder) -> dict.
    """

    make: Callable[[bool, Path], Case]
    goal: float
    memory_goal: float | None = None
    rounds: int = 5
    keep: tuple[bool, bool] = (True, True)
    threads: int | None = None
    extra: Callable[[bool, Path], dict] | None = None


class Worker:
    """A process that measures one side of a benchmark on a CPU.

    Args:
        name: Name of the benchmark.
        benchmark: The benchmark.
        side: ``'ours'`` or ``'reference'``.
        tiny: Runs at tiny sizes.
        keep: Keeps freed memory in the process; False uses glibc's defaults.
    """

    def __init__(self, name: str, benchmark: Benchmark, side: str, *, tiny: bool, keep: bool) -> None:
        env = {**os.environ, 'CUDA_VISIBLE_DEVICES': ''}
        for variable in ALLOCATOR_VARIABLES:  # only `keep` sets the allocator of the worker
            env.pop(variable, None)
        env['PYTHONPATH'] = os.pathsep.join([str(Path(__file__).resolve().parents[1]), env.get('PYTHONPATH', '')])
        if benchmark.threads:
            env['OMP_NUM_THREADS'] = str(benchmark.threads)
        read, write = os.pipe()  # libraries may print to standard output
        flags = [flag for flag, is_set in (('--tiny', tiny), ('--keep-freed-memory', keep)) if is_set]
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'speed.worker', name, side, str(write), *flags],
            env=env,
            stdin=subprocess.PIPE,
            stdout=sys.stderr,
            pass_fds=[write],
            text=True,
        )
        os.close(write)
        self._replies = os.fdopen(read)

    def __enter__(self) -> 'Worker':
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._replies.close()

    def request(self, what: str) -> Any:
        """Requests ``'seconds'`` per result, ``'bytes'`` of the first call, or the ``'checks'`` from the worker."""
        self._process.stdin.write(what + '\n')
        self._process.stdin.flush()
        reply = self._replies.readline()
        if not reply:
            raise RuntimeError(f'the process of {self._process.args[3:]} has ended; its message is above')
        return json.loads(reply)


def seconds(call: Callable[[], Any]) -> float:
    """The duration of a call."""
    gc.collect()
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def time_alternately(ours: Callable[[], float], reference: Callable[[], float], rounds: int) -> tuple[float, float]:
    """Calls both in alternation and returns the medians of the durations. The first call of each is not counted."""
    ours(), reference()
    pairs = [(ours(), reference()) for _ in range(rounds)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def extra_memory(call: Callable[[], Any], warm_up: Callable[[], Any]) -> int:
    """Peak resident memory during a call minus that before it, in bytes.

    The process must return freed memory to the kernel and must not have used more memory before.

    Args:
        call: The function to measure.
        warm_up: The same function at a small size, which loads the libraries.
    """
    warm_up()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path('/proc/self/clear_refs').write_text('5')  # resets the peak to the current size
    before = _status('VmRSS')
    result = call()  # keeps the result, which is part of the peak
    peak = _status('VmHWM')
    del result
    return peak - before


def _status(key: str) -> int:
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(key + ':'):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def measure(name: str, benchmark: Benchmark, *, tiny: bool, rounds: int | None = None) -> dict:
    """Measures a benchmark; returns the record for bench.json."""

    def start(side: str, keep: bool) -> Worker:
        return Worker(name, benchmark, side, tiny=tiny, keep=keep)

    result = dict(name=name, goal=benchmark.goal, memory_goal=benchmark.memory_goal, memory_ratio=None)
    with start('ours', True) as both:
        result.update(both.request('checks'))
    result['settings']['keeps_freed_memory'] = dict(zip(SIDES, benchmark.keep, strict=True))
    with start('ours', benchmark.keep[0]) as ours, start('reference', benchmark.keep[1]) as reference:
        own, other = time_alternately(
            lambda: ours.request('seconds'), lambda: reference.request('seconds'), rounds or benchmark.rounds
        )
    result.update(ours_seconds=own, reference_seconds=other, ratio=other / own)
    if benchmark.memory_goal is not None:
        with start('ours', False) as ours, start('reference', False) as reference:
            own, other = ours.request('bytes'), reference.request('bytes')
        result.update(ours_bytes=own, reference_bytes=other, memory_ratio=own / max(other, 1))
    return result | dict(met=is_met(result), tiny=tiny)


def is_met(result: dict) -> bool:
    """True if a benchmark reaches its goals."""
    memory = result['memory_goal'] is None or result['memory_ratio'] <= result['memory_goal']
    linear = result.get('linear') is None or result['linear'] <= result['linear_goal']
    return result['equal'] and result['ratio'] >= result['goal'] and memory and linear

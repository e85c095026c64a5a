"""What all figures share: two ways to one result, timed in turns, and their memory in processes of their own."""

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

KEEP = 'glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184'  # as in the Makefile
SIDES = ('ours', 'double')


class Case(NamedTuple):
    """Two ways to one result.

    Attributes:
        ours: Ours, called over and over.
        double: The plain double.
        equal: Whether both give the same on the inputs that are timed.
        settings: Sizes and the like.
        units: Results that a call makes, by which its time is divided.
    """

    ours: Callable[[], Any]
    double: Callable[[], Any]
    equal: Callable[[], bool]
    settings: dict
    units: int = 1


class Benchmark(NamedTuple):
    """A figure.

    Attributes:
        make: (tiny, folder for files) -> :class:`Case`.
        goal: The least ratio of the double's time to ours.
        memory_goal: The largest ratio of our extra memory to the double's; None where it is not measured.
        rounds: How often either is timed.
        keep: Whether ours and the double run with freed memory kept, as the tools do it, or with glibc's defaults.
        extra: Further figures, (tiny, folder) -> dict.
    """

    make: Callable[[bool, Path], Case]
    goal: float
    memory_goal: float | None = None
    rounds: int = 5
    keep: tuple[bool, bool] = (True, True)
    extra: Callable[[bool, Path], dict] | None = None


class Worker:
    """One side of a case in a fresh process, with memory settings of its own.

    Args:
        name: Of the benchmark.
        side: ``'ours'`` or ``'double'``.
        tiny: Tiny sizes.
        keep: Whether glibc keeps freed memory; else its default.
    """

    def __init__(self, name: str, side: str, *, tiny: bool, keep: bool) -> None:
        tunables = KEEP if keep else 'glibc.malloc.mmap_max=65536'
        path = os.pathsep.join([str(Path(__file__).resolve().parents[1]), os.environ.get('PYTHONPATH', '')])
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'speed.worker', name, side, *(['--tiny'] if tiny else [])],
            env={**os.environ, 'GLIBC_TUNABLES': tunables, 'PYTHONPATH': path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> 'Worker':
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def ask(self, what: str) -> float:
        """``'seconds'`` of a call, or the ``'bytes'`` that the first one takes."""
        self._process.stdin.write(what + '\n')
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f'the process of {self._process.args[3:]} has ended: see its message above')
        return json.loads(answer)


def seconds(call: Callable[[], Any]) -> float:
    """Duration of a call."""
    gc.collect()
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def in_turns(ours: Callable[[], float], double: Callable[[], float], rounds: int) -> tuple[float, float]:
    """Medians of the durations that both report when they are called in turns; the first of each does not count."""
    ours(), double()
    pairs = [(ours(), double()) for _ in range(rounds)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def extra_memory(call: Callable[[], Any], warm_up: Callable[[], Any]) -> int:
    """Peak of the resident memory during a call above that before it, in bytes.

    Right only in a process whose memory the kernel gets back at once, and that has not used more before.

    Args:
        call: What is measured.
        warm_up: The same at a small size, so that libraries are loaded and set up.
    """
    warm_up()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path('/proc/self/clear_refs').write_text('5')  # sets the peak back to the present size
    before = _status('VmRSS')
    result = call()  # held, as part of the peak
    peak = _status('VmHWM')
    del result
    return peak - before


def _status(key: str) -> int:
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(key + ':'):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def measure(name: str, benchmark: Benchmark, *, tiny: bool, folder: Path, rounds: int | None = None) -> dict:
    """All that is recorded of a figure."""
    case = benchmark.make(tiny, folder)
    settings = dict(case.settings, keeps_freed_memory=dict(zip(SIDES, benchmark.keep, strict=True)))
    result = dict(name=name, goal=benchmark.goal, equal=bool(case.equal()), settings=settings)
    times = time_both(name, case, benchmark.keep, tiny=tiny, rounds=rounds or benchmark.rounds)
    ours_time, double_time = (t / case.units for t in times)
    result.update(ours_seconds=ours_time, double_seconds=double_time, ratio=double_time / ours_time)
    result.update(memory_goal=benchmark.memory_goal, memory_ratio=None)
    if benchmark.memory_goal is not None:
        del case
        result.update(measure_memory(name, tiny=tiny))
    if benchmark.extra is not None:
        result.update(benchmark.extra(tiny, folder))
    result['met'] = is_met(result)
    return result


def time_both(name: str, case: Case, keep: tuple[bool, bool], *, tiny: bool, rounds: int) -> tuple[float, float]:
    """Seconds of both sides: in this process, which keeps freed memory, or in one each."""
    if keep == (True, True):
        return in_turns(lambda: seconds(case.ours), lambda: seconds(case.double), rounds)
    with (
        Worker(name, 'ours', tiny=tiny, keep=keep[0]) as ours,
        Worker(name, 'double', tiny=tiny, keep=keep[1]) as double,
    ):
        return in_turns(lambda: ours.ask('seconds'), lambda: double.ask('seconds'), rounds)


def measure_memory(name: str, *, tiny: bool) -> dict:
    """Extra memory of both sides."""
    with (
        Worker(name, 'ours', tiny=tiny, keep=False) as ours,
        Worker(name, 'double', tiny=tiny, keep=False) as double,
    ):
        own, other = ours.ask('bytes'), double.ask('bytes')
    return dict(ours_bytes=own, double_bytes=other, memory_ratio=own / max(other, 1))


def is_met(result: dict) -> bool:
    """Whether a figure reaches its goals."""
    memory = result['memory_goal'] is None or result['memory_ratio'] <= result['memory_goal']
    linear = result.get('linear') is None or result['linear'] <= result['linear_goal']
    return result['equal'] and result['ratio'] >= result['goal'] and memory and linear

"""What all figures share: two ways to one result, each in processes of its own, timed in turns."""

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

KEEP = 'glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184'  # as keep_freed_memory
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
        threads: Of either; 1 for what runs in the workers of a data loader, None for as many as there are cores.
        extra: Further figures, (tiny, folder) -> dict.
    """

    make: Callable[[bool, Path], Case]
    goal: float
    memory_goal: float | None = None
    rounds: int = 5
    keep: tuple[bool, bool] = (True, True)
    threads: int | None = None
    extra: Callable[[bool, Path], dict] | None = None


class Worker:
    """A process that makes a case and answers questions on one side of it.

    Args:
        name: Of the benchmark.
        benchmark: The same.
        side: ``'ours'`` or ``'double'``.
        tiny: Tiny sizes.
        keep: Whether glibc keeps freed memory; else its default.
    """

    def __init__(self, name: str, benchmark: Benchmark, side: str, *, tiny: bool, keep: bool) -> None:
        env = {**os.environ, 'GLIBC_TUNABLES': KEEP if keep else 'glibc.malloc.mmap_max=65536'}
        env['PYTHONPATH'] = os.pathsep.join([str(Path(__file__).resolve().parents[1]), env.get('PYTHONPATH', '')])
        if benchmark.threads:
            env['OMP_NUM_THREADS'] = str(benchmark.threads)
        read, write = os.pipe()  # not the standard output, where libraries print, some as they are imported
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'speed.worker', name, side, str(write), *(['--tiny'] if tiny else [])],
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

    def ask(self, what: str) -> Any:
        """``'seconds'`` that a result takes, ``'bytes'`` that the first call takes, ``'checks'`` before all timing."""
        self._process.stdin.write(what + '\n')
        self._process.stdin.flush()
        answer = self._replies.readline()
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


def measure(name: str, benchmark: Benchmark, *, tiny: bool, rounds: int | None = None) -> dict:
    """All that is recorded of a figure."""

    def start(side: str, keep: bool) -> Worker:
        return Worker(name, benchmark, side, tiny=tiny, keep=keep)

    result = dict(name=name, goal=benchmark.goal, memory_goal=benchmark.memory_goal, memory_ratio=None)
    with start('ours', True) as both:
        result.update(both.ask('checks'))
    result['settings']['keeps_freed_memory'] = dict(zip(SIDES, benchmark.keep, strict=True))
    with start('ours', benchmark.keep[0]) as ours, start('double', benchmark.keep[1]) as double:
        own, other = in_turns(lambda: ours.ask('seconds'), lambda: double.ask('seconds'), rounds or benchmark.rounds)
    result.update(ours_seconds=own, double_seconds=other, ratio=other / own)
    if benchmark.memory_goal is not None:
        with start('ours', False) as ours, start('double', False) as double:
            own, other = ours.ask('bytes'), double.ask('bytes')
        result.update(ours_bytes=own, double_bytes=other, memory_ratio=own / max(other, 1))
    return result | dict(met=is_met(result), tiny=tiny)


def is_met(result: dict) -> bool:
    """Whether a figure reaches its goals."""
    memory = result['memory_goal'] is None or result['memory_ratio'] <= result['memory_goal']
    linear = result.get('linear') is None or result['linear'] <= result['linear_goal']
    return result['equal'] and result['ratio'] >= result['goal'] and memory and linear

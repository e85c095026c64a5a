"""Measures one side of a benchmark: `python -m speed.worker NAME SIDE REPLIES`, started by `harness.Worker`."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import torch

from mmavs.engine.runner.allocator import keep_freed_memory

from .benchmarks import BENCHMARKS
from .harness import SIDES, Benchmark, Case, extra_memory, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('name', choices=BENCHMARKS)
    parser.add_argument('side', choices=SIDES)
    parser.add_argument('replies', type=int, help='file descriptor for the replies')
    parser.add_argument('--tiny', action='store_true')
    parser.add_argument('--keep-freed-memory', action='store_true')
    args = parser.parse_args()
    if args.keep_freed_memory:
        keep_freed_memory()
    benchmark = BENCHMARKS[args.name]
    with tempfile.TemporaryDirectory() as folder, os.fdopen(args.replies, 'w') as replies:
        case = benchmark.make(args.tiny, Path(folder))
        call = getattr(case, args.side)
        for line in sys.stdin:
            request = line.strip()
            if request == 'checks':
                reply = check(benchmark, case, tiny=args.tiny, folder=Path(folder))
            elif request == 'bytes':
                reply = extra_memory(call, getattr(benchmark.make(True, Path(folder)), args.side))
            else:
                reply = seconds(call) / case.units
            print(json.dumps(reply), file=replies, flush=True)


def check(benchmark: Benchmark, case: Case, *, tiny: bool, folder: Path) -> dict:
    """Returns the equality of both results, the settings, and further measurements."""
    settings = dict(case.settings, threads=torch.get_num_threads())
    extra = {} if benchmark.extra is None else benchmark.extra(tiny, folder)
    return dict(equal=bool(case.equal()), settings=settings, **extra)


if __name__ == '__main__':
    main()

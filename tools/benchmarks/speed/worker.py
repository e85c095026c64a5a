"""Runs one side of a benchmark when it is asked to: `python -m speed.worker NAME SIDE`, see `harness.Worker`."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from .benchmarks import BENCHMARKS
from .harness import SIDES, extra_memory, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('name', choices=BENCHMARKS)
    parser.add_argument('side', choices=SIDES)
    parser.add_argument('--tiny', action='store_true')
    args = parser.parse_args()
    replies = os.fdopen(os.dup(sys.stdout.fileno()), 'w')
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever libraries print
    make = BENCHMARKS[args.name].make
    with tempfile.TemporaryDirectory() as folder:
        call = getattr(make(args.tiny, Path(folder)), args.side)
        for line in sys.stdin:
            if line.strip() == 'bytes':
                warm_up = getattr(make(True, Path(folder)), args.side)
                answer = extra_memory(call, warm_up)
            else:
                answer = seconds(call)
            print(json.dumps(answer), file=replies, flush=True)


if __name__ == '__main__':
    main()

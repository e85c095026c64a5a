"""Runs the speed benchmarks: `python tools/benchmarks/run_all.py`, or some of them with `--only NAME ...`.

Prints a table and writes bench.json. README.md in this folder defines the benchmarks. The exit status is 1 if a
benchmark does not reach its goal.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from speed.benchmarks import BENCHMARKS
from speed.harness import measure
from tqdm import tqdm


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', nargs='+', choices=BENCHMARKS, metavar='NAME', help=f'any of {", ".join(BENCHMARKS)}')
    parser.add_argument(
        '--out', type=Path, default=Path('work_dirs/bench'), help='folder of bench.json (default: %(default)s)'
    )
    parser.add_argument('--rounds', type=int, help='number of timed runs of each implementation (default: 3 or 5)')
    parser.add_argument('--tiny', action='store_true', help='tiny sizes, to test the tool')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    results = []
    for name in tqdm(args.only or BENCHMARKS, desc='benchmarks'):
        results.append(measure(name, BENCHMARKS[name], tiny=args.tiny, rounds=args.rounds))
        write(results, args.out)
    print(make_table(results))
    if not args.tiny and not all(r['met'] for r in results):
        sys.exit(1)


def write(results: list[dict], folder: Path) -> None:
    """Writes bench.json atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / 'bench.json.tmp'
    temporary.write_text(json.dumps(results, indent=2) + '\n')
    os.replace(temporary, folder / 'bench.json')


def make_table(results: list[dict]) -> str:
    """The results as a Markdown table."""
    lines = [
        '| benchmark | ours | reference | times faster (goal) | memory (goal) | equal | met |',
        '|---|---|---|---|---|---|---|',
    ]
    for r in results:
        memory = '' if r['memory_ratio'] is None else f'{r["memory_ratio"]:.2f} ({r["memory_goal"]:.2f})'
        lines.append(
            f'| {r["name"]} | {_duration(r["ours_seconds"])} | {_duration(r["reference_seconds"])} '
            f'| {r["ratio"]:.2f} ({r["goal"]:g}) | {memory} | {_yes(r["equal"])} | {_yes(r["met"])} |'
        )
    return '\n'.join(lines)


def _duration(seconds: float) -> str:
    return f'{seconds:.2f} s' if seconds >= 1 else f'{1000 * seconds:.1f} ms'


def _yes(value: bool) -> str:
    return 'yes' if value else 'no'


if __name__ == '__main__':
    main()

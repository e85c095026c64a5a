"""Measures the speed figures: `python tools/benchmarks/run_all.py`, or some with `--only NAME ...`.

Prints them as a table and writes bench.json; README.md in this folder says how they are defined. Exit status 1 where
one misses its goal.
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
    parser.add_argument('--only', nargs='+', choices=BENCHMARKS, metavar='NAME', help=f'of {", ".join(BENCHMARKS)}')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/bench'), help='folder (default: %(default)s)')
    parser.add_argument('--rounds', type=int, help='how often each side is timed (default: 3 or 5)')
    parser.add_argument('--tiny', action='store_true', help='tiny sizes: shows that all works, says nothing of speed')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    results = []
    for name in tqdm(args.only or BENCHMARKS, desc='figures'):
        results.append(measure(name, BENCHMARKS[name], tiny=args.tiny, rounds=args.rounds))
        write(results, args.out)
    print(make_table(results))
    if not args.tiny and not all(r['met'] for r in results):
        sys.exit(1)


def write(results: list[dict], folder: Path) -> None:
    """Writes bench.json."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / 'bench.json.tmp'
    temporary.write_text(json.dumps(results, indent=2) + '\n')
    os.replace(temporary, folder / 'bench.json')


def make_table(results: list[dict]) -> str:
    """The figures in Markdown."""
    lines = [
        '| figure | ours | double | times faster (goal) | memory (goal) | equal | met |',
        '|---|---|---|---|---|---|---|',
    ]
    for r in results:
        memory = '' if r['memory_ratio'] is None else f'{r["memory_ratio"]:.2f} ({r["memory_goal"]:.2f})'
        lines.append(
            f'| {r["name"]} | {_duration(r["ours_seconds"])} | {_duration(r["double_seconds"])} '
            f'| {r["ratio"]:.2f} ({r["goal"]:g}) | {memory} | {_yes(r["equal"])} | {_yes(r["met"])} |'
        )
    return '\n'.join(lines)


def _duration(seconds: float) -> str:
    return f'{seconds:.2f} s' if seconds >= 1 else f'{1000 * seconds:.1f} ms'


def _yes(value: bool) -> str:
    return 'yes' if value else 'no'


if __name__ == '__main__':
    main()

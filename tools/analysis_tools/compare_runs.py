r"""Do two set-ups differ? Mean, standard deviation and a two-sided t-test of several runs of each.

    python tools/analysis_tools/compare_runs.py --a 'work_dirs/original_seed*/test' --b 'work_dirs/changed_seed*/test'

A run is the work dir of a `tools/test.py`, best one of its own for each seed. To train and test a set-up three times:

    for seed in 0 1 2; do
        python tools/train.py CONFIG --work-dir work_dirs/original_seed$seed --cfg-options randomness.seed=$seed
        python tools/test.py CONFIG work_dirs/original_seed$seed/epoch_60.pth \
            --work-dir work_dirs/original_seed$seed/test
    done

The paper compares AVSBench with its sounds substituted (AVS-M-SS) with the original in this way. A large p-value says
that no difference was found, which with few runs is no proof that there is none.
"""

import argparse
import glob
import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
from run_results import SOURCES, read_metrics
from scipy import stats

Runs = dict[str, dict[str, float]]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for side in 'ab':
        parser.add_argument(
            f'--{side}', nargs='+', required=True, metavar='DIR', help='work dirs of the runs of a set-up, or patterns'
        )
    parser.add_argument('--names', nargs=2, default=['a', 'b'], help='of the two set-ups, for the table')
    parser.add_argument('--metrics', nargs='+', help='default: all that the runs have')
    parser.add_argument('--source', choices=SOURCES, default='test', help='results of tests, or the last validation')
    parser.add_argument(
        '--welch', action='store_true', help="Welch's test, for unequal variances, instead of Student's"
    )
    parser.add_argument('--out', type=Path, help='JSON file of all figures')
    return parser.parse_args()


def find_runs(patterns: list[str], source: str) -> Runs:
    """Metrics of each run of a set-up, by work dir."""
    folders = set()
    for pattern in patterns:
        found = glob.glob(glob.escape(pattern) if Path(pattern).is_dir() else pattern)
        folders |= {str(Path(f).resolve()) for f in found if Path(f).is_dir()}
        if not found:
            raise ValueError(f'no work dir matches {pattern!r}')
    return {folder: read_metrics(Path(folder), source) for folder in sorted(folders)}


def check_runs(a: Runs, b: Runs, metrics: list[str] | None) -> list[str]:
    """The metrics to compare; a ValueError where the runs allow no comparison."""
    for name, runs in (('--a', a), ('--b', b)):
        if len(runs) < 2:
            raise ValueError(f'{name} matches {len(runs)} run, a t-test needs two or more of each set-up')
    both = sorted(set(a) & set(b))
    if both:
        raise ValueError(f'{both[0]} belongs to both set-ups')
    every = {**a, **b}
    steps = {run: values['step'] for run, values in every.items() if 'step' in values}
    if len(set(steps.values())) > 1:
        raise ValueError(
            'the last validations are of different steps, so some training has not finished: '
            + ', '.join(f'{run}: {step}' for run, step in steps.items())
        )
    names = metrics or [n for n in dict.fromkeys(n for values in every.values() for n in values) if n != 'step']
    for name in names:
        without = [run for run, values in every.items() if name not in values]
        if without:
            raise ValueError(
                f'{without[0]} has no metric {name!r}, but {", ".join(every[without[0]])}; choose with --metrics'
            )
        for run, values in every.items():
            if not math.isfinite(values[name]):
                raise ValueError(f'{run}: {name} is {values[name]}; leave out this run or, with --metrics, this metric')
    return names


def compare(a: list[float], b: list[float], *, welch: bool = False) -> dict:
    """Two-sided t-test of two samples; statistic and p-value are None where no value of either side varies."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # equal runs
        test = stats.ttest_ind(b, a, equal_var=not welch)  # t has the sign of the difference
    varies = np.ptp(a) > 0 or np.ptp(b) > 0
    sides = {
        side: dict(mean=float(np.mean(v)), std=float(np.std(v, ddof=1)), values=list(v))
        for side, v in (('a', a), ('b', b))
    }
    numbers = dict(t=float(test.statistic), p=float(test.pvalue)) if varies else dict(t=None, p=None)
    return sides | dict(difference=sides['b']['mean'] - sides['a']['mean']) | numbers


def make_table(comparison: dict[str, dict], names: list[str]) -> str:
    """Markdown."""
    lines = [f'| metric | {names[0]} | {names[1]} | difference | t | p |', '|---|---:|---:|---:|---:|---:|']
    for metric, c in comparison.items():
        sides = ' | '.join(f'{c[s]["mean"]:.2f} ± {c[s]["std"]:.2f} ({len(c[s]["values"])})' for s in 'ab')
        test = ' | '.join('-' if c[key] is None or math.isnan(c[key]) else f'{c[key]:.3f}' for key in ('t', 'p'))
        lines.append(f'| {metric} | {sides} | {c["difference"]:+.2f} | {test} |')
    return '\n'.join(lines)


def main() -> None:
    args = parse_args()
    try:
        a, b = (find_runs(patterns, args.source) for patterns in (args.a, args.b))
        metrics = check_runs(a, b, args.metrics)
    except ValueError as e:
        sys.exit(f'error: {e}')
    comparison = {
        name: compare([run[name] for run in a.values()], [run[name] for run in b.values()], welch=args.welch)
        for name in metrics
    }
    test = "Welch's" if args.welch else "Student's"
    print(make_table(comparison, args.names))
    print(f'\nmean ± standard deviation (runs); {test} two-sided t-test')
    if args.out:
        figures = dict(names=args.names, test=test, runs=dict(a=list(a), b=list(b)), metrics=comparison)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        temporary = args.out.with_name(args.out.name + '.tmp')
        temporary.write_text(json.dumps(figures, indent=1) + '\n')
        temporary.replace(args.out)


if __name__ == '__main__':
    main()

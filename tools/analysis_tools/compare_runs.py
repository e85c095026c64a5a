r"""Compare two set-ups by several runs of each: mean, standard deviation and a two-sided t-test.

    python tools/analysis_tools/compare_runs.py --a 'work_dirs/original_seed*/test' --b 'work_dirs/changed_seed*/test'

A run is the work dir of `tools/test.py`; take a separate one for each seed. To train and test a set-up three times:

    for seed in 0 1 2; do
        python tools/train.py CONFIG --work-dir work_dirs/original_seed$seed --cfg-options randomness.seed=$seed
        python tools/test.py CONFIG work_dirs/original_seed$seed/epoch_60.pth \
            --work-dir work_dirs/original_seed$seed/test
    done

The paper compares AVSBench with substituted audio (AVS-M-SS) and the original AVSBench in this way. A large p-value
means that no difference was found. With few runs, this does not prove that there is none.

Below the table are the numbers of classes, frames and clips that the means are over. mFDR leaves out classes that are
never predicted. AVSBench's J counts frames whose ground truth is empty, its F leaves them out.
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
COUNTS = ('_classes', '_frames', '_clips')  # suffixes of what a mean is over


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for side in 'ab':
        parser.add_argument(
            f'--{side}', nargs='+', required=True, metavar='DIR', help='work dirs of the runs of a set-up, or globs'
        )
    parser.add_argument('--names', nargs=2, default=['a', 'b'], help='names of the set-ups in the table')
    parser.add_argument('--metrics', nargs='+', help='default: all metrics of the runs')
    parser.add_argument('--source', choices=SOURCES, default='test', help='results of the test or the last validation')
    parser.add_argument('--welch', action='store_true', help="Welch's test (unequal variances) instead of Student's")
    parser.add_argument('--out', type=Path, help='write all results to this JSON file')
    return parser.parse_args()


def find_runs(patterns: list[str], source: str) -> Runs:
    """The metrics of each run of a set-up by work dir."""
    folders = set()
    for pattern in patterns:
        found = glob.glob(glob.escape(pattern) if Path(pattern).is_dir() else pattern)
        folders |= {str(Path(f).resolve()) for f in found if Path(f).is_dir()}
        if not found:
            raise ValueError(f'no work dir matches {pattern!r}; give existing folders or a glob in quotes')
    return {folder: read_metrics(Path(folder), source) for folder in sorted(folders)}


def check_runs(a: Runs, b: Runs, metrics: list[str] | None) -> list[str]:
    """The names of the metrics to compare. Raises a ValueError if the runs cannot be compared."""
    for name, runs in (('--a', a), ('--b', b)):
        if len(runs) < 2:
            raise ValueError(f'{name} matches {len(runs)} run; a t-test needs at least two of each set-up')
    both = sorted(set(a) & set(b))
    if both:
        raise ValueError(f'{both[0]} belongs to both set-ups; give each run once')
    every = {**a, **b}
    steps = {run: values['step'] for run, values in every.items() if 'step' in values}
    if len(set(steps.values())) > 1:
        raise ValueError(
            'the last validations are of different steps, so a training has not finished; the steps are '
            + ', '.join(f'{run}: {step}' for run, step in steps.items())
        )
    found = dict.fromkeys(name for values in every.values() for name in values)
    names = metrics or [name for name in found if name != 'step' and not name.endswith(COUNTS)]
    for name in names:
        without = [run for run, values in every.items() if name not in values]
        if without:
            raise ValueError(
                f'{without[0]} has no metric {name!r}; it has {", ".join(every[without[0]])}; choose with --metrics'
            )
        for run, values in every.items():
            if not math.isfinite(values[name]):
                raise ValueError(f'{run}: {name} is {values[name]}; omit this run, or this metric by --metrics')
    return names


def compare(a: list[float], b: list[float], *, welch: bool = False) -> dict:
    """Two-sided t-test of two samples; t and p are None if neither side varies."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # raised for equal values
        test = stats.ttest_ind(b, a, equal_var=not welch)  # b first: t has the sign of the difference
    varies = np.ptp(a) > 0 or np.ptp(b) > 0
    sides = {
        side: dict(mean=float(np.mean(v)), std=float(np.std(v, ddof=1)), values=list(v))
        for side, v in (('a', a), ('b', b))
    }
    numbers = dict(t=float(test.statistic), p=float(test.pvalue)) if varies else dict(t=None, p=None)
    return sides | dict(difference=sides['b']['mean'] - sides['a']['mean']) | numbers


def make_table(comparison: dict[str, dict], names: list[str]) -> str:
    """The comparison as a Markdown table."""
    lines = [f'| metric | {names[0]} | {names[1]} | difference | t | p |', '|---|---:|---:|---:|---:|---:|']
    for metric, c in comparison.items():
        sides = ' | '.join(f'{c[s]["mean"]:.2f} ± {c[s]["std"]:.2f} ({len(c[s]["values"])})' for s in 'ab')
        test = ' | '.join('-' if c[key] is None or math.isnan(c[key]) else f'{c[key]:.3f}' for key in ('t', 'p'))
        lines.append(f'| {metric} | {sides} | {c["difference"]:+.2f} | {test} |')
    return '\n'.join(lines)


def collect_counts(a: Runs, b: Runs) -> dict[str, dict[str, list[int]]]:
    """What each mean is over, such as ``mFDR_classes``: the number in each run of both set-ups that has it."""
    found = dict.fromkeys(name for runs in (a, b) for values in runs.values() for name in values)
    return {
        name: {side: [v[name] for v in runs.values() if name in v] for side, runs in (('a', a), ('b', b))}
        for name in found
        if name.endswith(COUNTS)
    }


def describe_counts(counts: dict[str, dict[str, list[int]]], names: list[str]) -> str:
    """A line for each mean: what it is over, and whether that differs between runs."""
    lines = []
    for key, sides in counts.items():
        metric, unit = key.rsplit('_', 1)
        values = {name: sorted(set(sides[side])) for name, side in zip(names, 'ab', strict=True)}
        if len({n for found in values.values() for n in found}) == 1:
            lines.append(f'- {metric}: {next(n for found in values.values() for n in found)} {unit}')
        else:
            each = '; '.join(f'{name} {", ".join(map(str, found)) or "not recorded"}' for name, found in values.items())
            lines.append(f'- {metric}: {unit} differ between runs, so that the means are not comparable ({each})')
    if any(key.endswith('J_frames') for key in counts):
        lines.append('  J counts frames whose ground truth is empty, F leaves them out.')
    return '\n'.join(['The means are over:', *lines]) if lines else ''


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
    counts = collect_counts(a, b)
    if counts:
        print('\n' + describe_counts(counts, args.names))
    if args.out:
        figures = dict(names=args.names, test=test, runs=dict(a=list(a), b=list(b)), metrics=comparison, counts=counts)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        temporary = args.out.with_name(args.out.name + '.tmp')
        temporary.write_text(json.dumps(figures, indent=1) + '\n')
        temporary.replace(args.out)


if __name__ == '__main__':
    main()

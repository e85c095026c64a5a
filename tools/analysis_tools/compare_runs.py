r"""Compare set-ups by several runs of each: mean, standard deviation and a two-sided t-test.

    python tools/analysis_tools/compare_runs.py --a 'work_dirs/original_seed*/test' --b 'work_dirs/changed_seed*/test'

A run is the work dir of `tools/test.py`; take a separate one for each seed. To train and test a set-up three times:

    for seed in 0 1 2; do
        python tools/train.py CONFIG --work-dir work_dirs/original_seed$seed --cfg-options randomness.seed=$seed
        python tools/test.py CONFIG work_dirs/original_seed$seed/epoch_60.pth \
            --work-dir work_dirs/original_seed$seed/test
    done

The paper compares AVSBench with substituted audio (AVS-M-SS) and the original AVSBench in this way. A large p-value
means that no difference was found. With few runs, this does not prove that there is none.

If the runs of one seed have data order and initial weights in common, `--paired` compares them in pairs, which detects
smaller differences. It prints the mean difference of the pairs with its 95 % interval, and p of the paired t-test,
also corrected (Holm) for the number of comparisons: those of all metrics and all `--b`. Choose the primary metric
before looking:

    python tools/analysis_tools/compare_runs.py --paired --metrics mIoU --names original loss fusion \
        --a 'work_dirs/original_seed*/test' --b 'work_dirs/loss_seed*/test' --b 'work_dirs/fusion_seed*/test'

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
from paired_tests import holm, make_paired_table, match_pairs, paired_difference
from paper_results.collect import find_seed
from run_results import SOURCES, read_metrics
from scipy import stats

Runs = dict[str, dict[str, float]]
PAIR_BY = ('seed', 'name')
COUNTS = ('_classes', '_frames', '_clips')  # suffixes of what a mean is over


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    dirs = dict(nargs='+', required=True, metavar='DIR')
    parser.add_argument('--a', **dirs, help='work dirs of the runs of a set-up, or globs')
    parser.add_argument('--b', **dirs, action='append', help='those of another one; with --paired also several --b')
    parser.add_argument('--names', nargs='+', help='names of the set-ups in the table; default: a, b, ...')
    parser.add_argument('--metrics', nargs='+', help='default: all metrics of the runs')
    parser.add_argument('--source', choices=SOURCES, default='test', help='results of the test or the last validation')
    parser.add_argument('--welch', action='store_true', help="Welch's test (unequal variances) instead of Student's")
    parser.add_argument('--paired', action='store_true', help='compare runs of equal seeds in pairs')
    parser.add_argument(
        '--pair-by', choices=PAIR_BY, default='seed', help='seed of the config, or alphabetical order of the folders'
    )
    parser.add_argument('--out', type=Path, help='write all results to this JSON file')
    args = parser.parse_args()
    count = 1 + len(args.b)
    args.names = args.names or list('abcdefghijklmnopqrstuvwxyz'[:count])
    if len(args.names) != count:
        parser.error(f'--names needs {count} names, one for each set-up, got {len(args.names)}')
    if count > 2 and not args.paired:
        parser.error('several --b need --paired')
    if args.paired and args.welch:
        parser.error('--welch is a test of unpaired runs; leave it out with --paired')
    return args


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
    """The counts of each mean, such as ``mFDR_classes``, in each run of both set-ups that has them."""
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
        a, *others = (find_runs(patterns, args.source) for patterns in (args.a, *args.b))
        metrics = [check_runs(a, b, args.metrics) for b in others][0]
        if args.paired:
            print_paired(a, others, metrics, args)
            return
    except ValueError as e:
        sys.exit(f'error: {e}')
    (b,) = others
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
        runs = dict(a=list(a), b=list(b))
        write(args.out, dict(names=args.names, test=test, runs=runs, metrics=comparison, counts=counts))


def print_paired(a: Runs, others: list[Runs], metrics: list[str], args: argparse.Namespace) -> None:
    """Compares each of ``others`` with ``a`` in pairs, and prints and writes the result.

    Raises:
        ValueError: The runs cannot be paired.
    """
    comparisons, pairs = {}, {}
    for name, b in zip(args.names[1:], others, strict=True):
        title = f'{name} - {args.names[0]}'
        pairs[title] = find_pairs(a, b, args)
        columns = {m: [[runs[p[i]][m] for p in pairs[title]] for i, runs in enumerate((a, b))] for m in metrics}
        comparisons[title] = {metric: paired_difference(*sides) for metric, sides in columns.items()}
    cells = [cell for by_metric in comparisons.values() for cell in by_metric.values()]
    for cell, p in zip(cells, holm([cell['p'] for cell in cells]), strict=True):
        cell['p_holm'] = p
    print(make_paired_table(comparisons))
    print(f'\ntwo-sided paired t-test; p (Holm) is corrected for {len(cells)} comparisons')
    for title, b in zip(comparisons, others, strict=True):
        if counts := collect_counts(a, b):
            print(f'\n{title}. {describe_counts(counts, title.split(" - ")[::-1])}')
    if args.out:
        write(args.out, dict(names=args.names, test='paired', pairs=pairs, comparisons=comparisons))


def find_pairs(a: Runs, b: Runs, args: argparse.Namespace) -> list[tuple[str, str]]:
    """Pairs of work dirs."""
    if args.pair_by == 'seed':
        return match_pairs(*({run: find_seed(Path(run), args.source) for run in runs} for runs in (a, b)))
    if len(a) != len(b):
        raise ValueError(f'--pair-by name needs as many runs of both set-ups, got {len(a)} and {len(b)}')
    return list(zip(a, b, strict=True))


def write(path: Path, content: dict) -> None:
    """Writes a JSON file at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + '.tmp')
    temporary.write_text(json.dumps(content, indent=1) + '\n')
    temporary.replace(path)


if __name__ == '__main__':
    main()

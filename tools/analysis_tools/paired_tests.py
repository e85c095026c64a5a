"""Statistics of paired runs: both runs of a pair have the same seed."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats


def paired_difference(a: Sequence[float], b: Sequence[float], *, confidence: float = 0.95) -> dict:
    """Mean difference of pairs, its confidence interval, and the two-sided paired t-test.

    Args:
        a: Values of the first set-up.
        b: Values of the second set-up, in the order of their pairs.
        confidence: Confidence level of the interval.

    Returns:
        dict: ``pairs``, ``difference`` (mean of b - a), ``std`` (of the differences), ``low`` and ``high`` (the
        interval), ``t``, ``p`` and the single ``differences``. ``t`` and ``p`` are None if all differences are equal.

    Raises:
        ValueError: There are fewer than two pairs, or values without a partner.
    """
    if len(a) != len(b) or len(a) < 2:
        raise ValueError(f'paired values must be at least two of each set-up, got {len(a)} and {len(b)}')
    differences = np.subtract(b, a).astype(float)
    n, mean, std = len(differences), differences.mean(), differences.std(ddof=1)
    error = std / math.sqrt(n)
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * error
    result = dict(pairs=n, difference=float(mean), std=float(std), low=float(mean - half), high=float(mean + half))
    varies = np.ptp(differences) > 1e-9 * max(1.0, np.abs(differences).max())
    t = float(mean / error) if varies else None
    p = float(2 * stats.t.sf(abs(t), n - 1)) if varies else None
    return result | dict(t=t, p=p, differences=differences.tolist())


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for their number by the method of Holm (1979), which bounds the family-wise error rate.

    The i-th smallest of m values is multiplied by m - i + 1 and is at least as large as the one before, at most 1.
    Undefined values (None) stay undefined and are not counted.
    """
    order = sorted((i for i, p in enumerate(p_values) if p is not None), key=lambda i: p_values[i])
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def match_pairs(a: dict[str, int | None], b: dict[str, int | None]) -> list[tuple[str, str]]:
    """Pairs of runs with equal seeds, in the order of the seeds.

    Args:
        a: Run -> seed, of the first set-up.
        b: The same of the second one.

    Raises:
        ValueError: A run has no seed, a seed occurs twice in a set-up, or in one of them only.
    """
    by_seed = []
    for runs in (a, b):
        seeds: dict[int, str] = {}
        for run, seed in runs.items():
            if seed is None:
                raise ValueError(
                    f'{run} has no config with a seed (randomness.seed), by which runs are paired; use --pair-by name, '
                    'which pairs the folders in alphabetical order'
                )
            if seed in seeds:
                raise ValueError(f'{seeds[seed]} and {run} both have seed {seed}; give each seed once')
            seeds[seed] = run
        by_seed.append(seeds)
    for one, other, runs in ((by_seed[0], by_seed[1], 'second'), (by_seed[1], by_seed[0], 'first')):
        for seed in one:
            if seed not in other:
                raise ValueError(
                    f'{one[seed]} has seed {seed}, but no run of the {runs} set-up has it; omit this run, or add one'
                )
    return [(by_seed[0][seed], by_seed[1][seed]) for seed in sorted(by_seed[0])]


def make_paired_table(comparisons: dict[str, dict[str, dict]]) -> str:
    """Comparison -> metric -> result of :func:`paired_difference` with ``p_holm``, as a Markdown table."""
    lines = [
        '| comparison | metric | pairs | difference | 95 % interval | t | p | p (Holm) |',
        '|---|---|' + '---:|' * 6,
    ]
    for name, metrics in comparisons.items():
        for metric, c in metrics.items():
            test = ' | '.join('-' if c[key] is None else f'{c[key]:.3f}' for key in ('t', 'p', 'p_holm'))
            interval = f'{c["low"]:+.2f} to {c["high"]:+.2f}'
            lines.append(f'| {name} | {metric} | {c["pairs"]} | {c["difference"]:+.2f} | {interval} | {test} |')
    return '\n'.join(lines)

"""The rows of the ablations on the mini set, their comparisons, and the report of their results."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from paired_tests import holm, paired_difference

WEIGHTS = (0.1, 0.3, 1.0)
WEIGHT_SEEDS = (100, 101)
OUTCOMES = {'mIoU': 'mIoU', 'mF': 'F', 'wrong_audio': 'pixels predicted under absent audio, %'}


class Row(NamedTuple):
    """A set-up.

    Attributes:
        config: Beginning of the name of its config in configs/ablations.
        part: Table or figure of the paper.
        seeds: Number of seeds.
        has_loss: Whether the contrastive loss has a weight.
    """

    config: str
    part: str
    seeds: int = 3
    has_loss: bool = True


ROWS = {
    'image only': Row('image-only-start', 'beside Table 4', 8, has_loss=False),
    'TPAVI fusion': Row('tpavi-fusion', 'Table 4', 8, has_loss=False),
    'f_CA': Row('fca', 'Table 4', 8, has_loss=False),
    'SupCon': Row('supcon', 'Table 4', 8),
    'CAVP': Row('cavp', 'Table 4, Figures 6 and 7', 8),
    'mono': Row('mono', 'Figure 7', 8),
    'original pairs': Row('original-pairs', 'beside Table 4'),
    '10 % positives': Row('positives-10', 'Table 5'),
    '50 % positives': Row('positives-50', 'Table 5'),
    '90 % positives': Row('positives-90', 'Table 5'),
    'softmax': Row('softmax', 'Figure 6'),
    'softmax over pixels': Row('softmax-pixels', 'beside Figure 6'),
    'channel': Row('channel', 'Figure 6'),
    'min-max': Row('minmax', 'Figure 6'),
    'SS, stereo': Row('stereo-ss', 'Figure 7'),
    'SS, mono': Row('mono-ss', 'Figure 7'),
    'MS, stereo': Row('stereo-ms', 'Figure 7'),
    'MS, mono': Row('mono-ms', 'Figure 7'),
    'level difference': Row('level-difference', 'beyond the paper'),
    'five audio tokens': Row('audio-tokens-5', 'beyond the paper'),
    'five audio tokens, softmax': Row('audio-tokens-5-softmax', 'beyond the paper'),
}
COMPARISONS = (
    ('image only', 'TPAVI fusion'),
    ('TPAVI fusion', 'f_CA'),
    ('f_CA', 'SupCon'),
    ('SupCon', 'CAVP'),
    ('original pairs', 'CAVP'),
    ('10 % positives', '50 % positives'),
    ('90 % positives', '50 % positives'),
    *((name, 'CAVP') for name in ('softmax', 'softmax over pixels', 'channel', 'min-max', 'mono')),
    ('SS, mono', 'SS, stereo'),
    ('MS, mono', 'MS, stereo'),
    *(('CAVP', name) for name in ('level difference', 'five audio tokens', 'five audio tokens, softmax')),
)
"""Pairs of rows; the second one is expected to be better."""

Results = Mapping[str, Mapping[int, Mapping[str, float]]]
"""Row -> seed -> outcome -> value."""


def make_report(results: Results, comparisons: Sequence[tuple[str, str]], weight: float) -> str:
    """Both tables as Markdown: the rows, and the paired comparisons of the primary outcome."""
    lines = [
        f'Weight of the contrastive loss: {weight:g}.',
        '',
        f'| row | paper | seeds | {" | ".join(OUTCOMES.values())} |',
        '|---|---|' + '---:|' * (1 + len(OUTCOMES)),
    ]
    for row, runs in results.items():
        cells = ' | '.join(summarize([run[key] for run in runs.values() if key in run]) for key in OUTCOMES)
        lines.append(f'| {row} | {ROWS[row].part} | {len(runs)} | {cells} |')
    found = compare(results, comparisons)
    if not found:
        return '\n'.join([*lines, '', 'No two rows have two seeds in common, so that none are compared.'])
    lines += [
        '',
        '| comparison, mIoU | pairs | difference | 95 % interval | p | p (Holm) |',
        '|---|' + '---:|' * 5,
    ]
    for (first, second), c in found.items():
        p = ' | '.join('-' if c[key] is None else f'{c[key]:.3f}' for key in ('p', 'p_holm'))
        interval = f'{c["low"]:+.2f} to {c["high"]:+.2f}'
        lines.append(f'| {second} - {first} | {c["pairs"]} | {c["difference"]:+.2f} | {interval} | {p} |')
    return '\n'.join(lines)


def summarize(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    if not values:
        return '-'
    spread = f' ± {statistics.stdev(values):.1f}' if len(values) > 1 else ''
    return f'{statistics.mean(values):.1f}{spread}'


def compare(results: Results, comparisons: Sequence[tuple[str, str]], outcome: str = 'mIoU') -> dict:
    """Paired differences of an outcome over the seeds that two rows have in common, at least two.

    Returns:
        dict: (first, second) -> result of :func:`paired_difference`, second minus first, with ``p_holm``, which is
        corrected for the number of comparisons.
    """
    found = {}
    for first, second in comparisons:
        seeds = sorted(set(results.get(first, ())) & set(results.get(second, ())))
        if len(seeds) >= 2:
            sides = ([results[row][seed][outcome] for seed in seeds] for row in (first, second))
            found[first, second] = paired_difference(*sides)
    for comparison, p in zip(found.values(), holm([c['p'] for c in found.values()]), strict=True):
        comparison['p_holm'] = p
    return found

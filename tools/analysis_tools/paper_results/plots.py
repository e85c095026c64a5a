"""Figures 6 and 7 of the paper with our results."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

PAPER, OURS = '#9a9a9a', '#1f77b4'
PAIR = ('#4c78a8', '#e45756')  # mono and stereo, as in the paper


def plot(table: dict, path: Path) -> None:
    """Draws a table with ``plot: bars`` or ``plot: groups`` to a PNG file."""
    draw = dict(bars=_draw_bars, groups=_draw_groups)[table['plot']]
    figure = draw(table)
    setup = table['setup']
    figure.suptitle(f'{table["title"]}\n{setup["backbone"]}, {setup["size"]}', fontsize=10)
    temporary = path.with_name(path.name + '.tmp')
    figure.savefig(temporary, format='png', dpi=150)
    temporary.replace(path)


def _draw_bars(table: dict) -> Figure:
    """One group of two bars for each row: the paper's figure and ours."""
    figure = Figure(figsize=(7, 3.6), layout='constrained')
    axes = figure.subplots()
    (part,) = table['parts']
    rows = part['rows']
    for offset, key, color in ((-0.2, 'paper', PAPER), (0.2, 'ours', OURS)):
        _bars(axes, np.arange(len(rows)) + offset, [_point(row['cells'][0], key) for row in rows], key, color)
    axes.set_xticks(range(len(rows)), [row['name'] for row in rows])
    _finish(axes, part['metrics'][0])
    return figure


def _draw_groups(table: dict) -> Figure:
    """One panel for each metric, with the published and our results of each row for every dataset."""
    (part,) = table['parts']
    metrics, columns = part['metrics'], list(table['columns'])
    figure = Figure(figsize=(3.6 * len(metrics), 3.6), layout='constrained')
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        series = [(row, key) for row in part['rows'] for key in ('paper', 'ours')]
        for i, (row, key) in enumerate(series):
            cells = {cell['column']: cell for cell in row['cells'] if cell['metric'] == metric}
            places = np.arange(len(columns)) + 0.2 * (i - (len(series) - 1) / 2)
            color = PAIR[part['rows'].index(row) % 2]
            points = [_point(cells[column], key) for column in columns]
            _bars(axes, places, points, f'{row["name"]}, {key}', color, hatched=key == 'paper')
        axes.set_xticks(range(len(columns)), [table['columns'][column] for column in columns])
        _finish(axes, metric)
    return figure


def _point(cell: dict, key: str) -> tuple[float, float]:
    """Value and standard deviation; NaN if they do not exist."""
    if key == 'paper':
        return (np.nan if cell['paper'] is None else cell['paper']), np.nan
    ours = cell['ours'] or {}
    return tuple(np.nan if ours.get(name) is None else ours[name] for name in ('mean', 'std'))


def _bars(axes, places, points, label: str, color: str, *, hatched: bool = False) -> None:
    """Bars with error bars. Without any value no bars are drawn, so that the legend lists only visible bars."""
    values, spreads = np.array(points, dtype=float).T
    if np.isnan(values).all():
        return
    style = dict(facecolor='white', edgecolor=color, hatch='///') if hatched else dict(color=color)
    axes.bar(places, np.nan_to_num(values), width=0.18 if hatched or ',' in label else 0.36, label=label, **style)
    known = ~np.isnan(spreads)
    axes.errorbar(places[known], values[known], yerr=spreads[known], fmt='none', ecolor='black', capsize=3)
    for place, value in zip(places, values, strict=True):
        if not np.isnan(value):
            axes.annotate(f'{value:.1f}', (place, value), ha='center', va='bottom', fontsize=6)


def _finish(axes, metric: str) -> None:
    axes.set_ylabel(f'{metric} (%)')
    axes.margins(y=0.12)
    axes.tick_params(axis='x', labelsize=8)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7)

"""Charts of results: confusion matrix, bars of classes, curves of a training."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from .audio_panels import new_figure

# Okabe and Ito: distinct with color vision deficiencies. The markers distinguish curves without colors.
COLORS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000')
MARKERS = 'osD^vPX'
_MAX_NUMBERS = 30  # maximum number of classes of a confusion matrix with numbers in its cells
_CLASSES_IN_ROW = 24


def draw_confusion(
    confusion: np.ndarray, classes: Sequence[str], *, title: str = 'confusion matrix', cmap: str = 'cividis'
) -> Figure:
    """Draws a confusion matrix, each row in percent of its label's pixels.

    Args:
        confusion: Pixels (classes, classes), row = label, column = prediction.
        classes: Names of the classes.
        title: Title of the figure.
        cmap: Color map of matplotlib.
    """
    counts = np.asarray(confusion, np.float64)
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(100 * counts, total, out=np.full_like(counts, np.nan), where=total > 0)
    number = len(classes)
    side = 420 + max(28, 46 if number <= _MAX_NUMBERS else 0) * number
    figure = new_figure(side + 90, side)
    axis = figure.subplots()
    image = axis.imshow(share, cmap=cmap, vmin=0, vmax=100)
    figure.colorbar(image, ax=axis, label='% of the pixels of the label', shrink=0.8)
    axis.set_xticks(range(number), classes, rotation=90)
    axis.set_yticks(range(number), classes)
    axis.set_xlabel('prediction')
    axis.set_ylabel('label')
    axis.set_title(title)
    if number <= _MAX_NUMBERS:
        for row, column in np.argwhere(~np.isnan(share)):
            value = share[row, column]
            red, green, blue, _ = image.cmap(image.norm(value))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            text = f'{value:.0f}' if value >= 0.5 or value == 0 else '<1'
            axis.text(column, row, text, ha='center', va='center', color='white' if dark else 'black', fontsize=9)
    return figure


def draw_class_bars(
    scores: Mapping[str, np.ndarray], classes: Sequence[str], *, metric: str, title: str | None = None
) -> Figure:
    """Draws a bar for each class and run, and a line at the mean of each run.

    Args:
        scores: Name of the run -> (classes,), in percent; NaN has no bar.
        classes: Names of the classes.
        metric: Name of the metric.
        title: Title of the figure.
    """
    rows = -(-len(classes) // _CLASSES_IN_ROW)
    per_row = -(-len(classes) // rows)
    width = max(640, 200 + per_row * (26 + 20 * len(scores)))
    figure = new_figure(width, 90 + 330 * rows)
    thickness = 0.8 / len(scores)
    axes = figure.subplots(rows, 1, squeeze=False)[:, 0]
    for row, axis in enumerate(axes):
        part = slice(row * per_row, (row + 1) * per_row)
        names = classes[part]
        for i, (name, values) in enumerate(scores.items()):
            color, offset = COLORS[i % len(COLORS)], (i - (len(scores) - 1) / 2) * thickness
            mean = float(np.nanmean(values)) if not np.isnan(values).all() else float('nan')
            label = f'{name} (mean {mean:.1f})'
            bars = axis.bar(
                np.arange(len(names)) + offset, np.nan_to_num(values[part]), thickness, color=color, label=label
            )
            axis.axhline(mean, color=color, linewidth=1, linestyle='--')
            if len(scores) * per_row <= 30:
                texts = ['-' if np.isnan(value) else f'{value:.0f}' for value in values[part]]
                axis.bar_label(bars, texts, fontsize=8)
        axis.set_xticks(range(len(names)), names, rotation=45, ha='right', rotation_mode='anchor')
        axis.set_ylim(0, 109)
        axis.set_yticks(range(0, 101, 20))
        axis.set_ylabel(f'{metric}, %')
        axis.grid(axis='y', alpha=0.3)
        axis.set_axisbelow(True)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside upper center', ncols=max(1, min(len(labels), width // 240)))
    if title:
        figure.suptitle(title)
    return figure


Curve = tuple[str, Sequence[float], Sequence[float]]
"""Name, steps and values."""


def draw_curves(curves: Mapping[str, Sequence[Curve]], *, title: str | None = None) -> Figure:
    """Draws axes for each key, with a curve for each run.

    Args:
        curves: Key -> the curve of each run.
        title: Title of the figure.
    """
    figure = new_figure(900, 60 + 340 * len(curves))
    for axis, (key, runs) in zip(figure.subplots(len(curves), 1, squeeze=False)[:, 0], curves.items(), strict=True):
        for i, (name, steps, values) in enumerate(runs):
            marker = MARKERS[i % len(MARKERS)] if len(steps) <= 60 else None
            style = dict(color=COLORS[i % len(COLORS)], marker=marker, markersize=5, linewidth=1.4)
            axis.plot(steps, values, label=name, **style)
        axis.set_ylabel(key)
        axis.grid(alpha=0.3)
        axis.legend()
    axis.set_xlabel('step')
    if title:
        figure.suptitle(title)
    return figure

"""Error messages and tables shared by the metrics."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from prettytable import PrettyTable


@contextmanager
def sample_in_errors(sample: Mapping) -> Iterator[None]:
    """Prepends the file of the sample to the message of a ValueError raised in this context."""
    try:
        yield
    except ValueError as e:
        raise ValueError(f'{sample.get("seg_map_path") or sample.get("img_path")}: {e}') from e


def class_table(
    classes: Sequence[str],
    columns: Mapping[str, np.ndarray],
    means: Mapping[str, float],
    num_classes: Mapping[str, int],
) -> str:
    """Formats a table of the results of each class, their means, and the number of classes in each mean.

    Args:
        classes: Names of the classes.
        columns: (classes,) arrays by heading: floats in [0, 1], shown in percent with a dash for NaN, or integers.
        means: The mean of each column that has one, in [0, 1].
        num_classes: The number of classes in each mean.
    """
    table = PrettyTable(['class', *columns], align='r')
    table.align['class'] = 'l'
    for i, name in enumerate(classes):
        last = i == len(classes) - 1
        table.add_row([name, *(_cell(values[i]) for values in columns.values())], divider=last)
    table.add_row(['mean', *(_cell(means[name]) if name in means else '' for name in columns)])
    table.add_row(['classes in the mean', *(num_classes.get(name, '') for name in columns)])
    return table.get_string()


def _cell(value: np.number | float) -> str:
    if isinstance(value, np.integer):
        return str(value)
    return '-' if np.isnan(value) else f'{100 * value:.2f}'

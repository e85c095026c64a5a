"""What the metrics share in telling of samples and classes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from prettytable import PrettyTable


@contextmanager
def naming(sample: Mapping) -> Iterator[None]:
    """Puts the file of a sample before the message of a ValueError raised inside."""
    try:
        yield
    except ValueError as e:
        raise ValueError(f'{sample.get("seg_map_path") or sample.get("img_path")}: {e}') from e


def class_table(classes: Sequence[str], columns: Mapping[str, np.ndarray]) -> str:
    """The results of each class as a table.

    Args:
        classes: Their names.
        columns: By heading, (classes,): shares in [0, 1], given in percent, a dash for NaN; or numbers, if integers.
    """
    table = PrettyTable(['class', *columns], align='r')
    table.align['class'] = 'l'
    for i, name in enumerate(classes):
        table.add_row([name, *(_cell(values[i]) for values in columns.values())])
    return table.get_string()


def _cell(value: np.number) -> str:
    if isinstance(value, np.integer):
        return str(value)
    return '-' if np.isnan(value) else f'{100 * value:.2f}'

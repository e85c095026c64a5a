"""Reading annotation files that are tables: CSV with a header."""

import csv
from collections.abc import Callable, Iterator, Sequence


def read_table(
    path: str, columns: Sequence[str], *, refuse: Callable[..., None]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line number, row) of a CSV file.

    Args:
        path: The file.
        columns: Columns that it must have, in any order and among others.
        refuse: Called as ``refuse(message, line number, kind='incomplete row')`` for rows that lack values or have too
            many; they are left out.

    Raises:
        KeyError: A column is missing.
    """
    with open(path, newline='', encoding='utf-8-sig') as f:
        reader = csv.DictReader(f)
        missing = [c for c in columns if c not in (reader.fieldnames or ())]
        if missing:
            raise KeyError(
                f'{path} lacks the column {", ".join(missing)}; it has {", ".join(reader.fieldnames or ["none"])}'
            )
        for row in reader:
            if None in row.values() or None in row:
                fewer = 'fewer' if None in row.values() else 'more'
                refuse(f'{fewer} values than columns', reader.line_num, kind='incomplete row')
            else:
                yield reader.line_num, row

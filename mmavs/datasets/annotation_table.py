"""Reading annotation files that are tables: CSV with a header."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO


class RecordError(ValueError):
    """Something is wrong with the annotation of a dataset; the message names file, line and remedy.

    Args:
        message: What is wrong.
        kind: The same in two or three words, for tables.
        fatal: False where the dataset can be used all the same.
    """

    def __init__(self, message: str, *, kind: str, fatal: bool = True) -> None:
        super().__init__(message)
        self.kind = kind
        self.fatal = fatal


@contextmanager
def open_table(path: str) -> Iterator[TextIO]:
    """Opens a CSV file to read it inside of the context, with or without a byte order mark.

    Raises:
        RecordError: It is not in UTF-8, or no CSV.
    """
    try:
        with open(path, newline='', encoding='utf-8-sig') as f:
            yield f
    except UnicodeDecodeError as error:
        raise RecordError(
            f'{path}, line {_first_line_not_in_utf8(path)}: not in UTF-8; save the file as "CSV UTF-8"',
            kind='bad annotation',
        ) from error
    except csv.Error as error:
        raise RecordError(
            f'{path} cannot be read as CSV: {error}; look for a quotation mark that is never closed',
            kind='bad annotation',
        ) from error


def _first_line_not_in_utf8(path: str) -> int:
    """Its number: text is decoded block by block, so that the error does not tell."""
    with open(path, 'rb') as f:
        return next(number for number, line in enumerate(f, 1) if line.decode('utf-8', 'ignore').encode() != line)


def read_table(
    path: str, columns: Sequence[str], *, refuse: Callable[..., None], filled: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line number, row) of a CSV file.

    Args:
        path: The file.
        columns: Columns that it must have, in any order and among others.
        refuse: Called as ``refuse(message, line number, kind='incomplete row')`` for rows that lack values or have too
            many; they are left out.
        filled: Columns of which no value may be empty.

    Raises:
        KeyError: A column is missing.
        RecordError: see :func:`open_table`.
    """
    with open_table(path) as f:
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
            elif empty := [c for c in filled if not row[c] or row[c].isspace()]:
                refuse(f'no value of {", ".join(empty)}: fill in or remove', reader.line_num, kind='incomplete row')
            else:
                yield reader.line_num, row

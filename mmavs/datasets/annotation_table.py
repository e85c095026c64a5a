"""Reading of annotation files in CSV with a header."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO


class AnnotationError(ValueError):
    """An error in the annotation of a dataset; the message names file, line and remedy.

    Args:
        message: The complete message.
        kind: The kind of error in two or three words, for tables.
        fatal: False if the dataset can be used nevertheless.
    """

    def __init__(self, message: str, *, kind: str, fatal: bool = True) -> None:
        super().__init__(message)
        self.kind = kind
        self.fatal = fatal


@contextmanager
def open_table(path: str) -> Iterator[TextIO]:
    """Opens a CSV file for reading, with or without a byte order mark.

    Raises:
        AnnotationError: The file is not UTF-8 text or not CSV.
    """
    try:
        with open(path, newline='', encoding='utf-8-sig') as f:
            yield f
    except UnicodeDecodeError as error:
        raise AnnotationError(
            f'{path}, line {_first_line_not_in_utf8(path)}: the text is not UTF-8; save the file as "CSV UTF-8"',
            kind='bad annotation',
        ) from error
    except csv.Error as error:
        raise AnnotationError(
            f'{path} cannot be read as CSV: {error}; look for a missing closing quotation mark',
            kind='bad annotation',
        ) from error


def _first_line_not_in_utf8(path: str) -> int:
    """The decoder works on blocks of bytes, so its error does not contain the line number."""
    with open(path, 'rb') as f:
        return next(number for number, line in enumerate(f, 1) if line.decode('utf-8', 'ignore').encode() != line)


def read_table(
    path: str, columns: Sequence[str], *, report: Callable[..., None], filled: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line number, row) of a CSV file.

    Args:
        path: The file.
        columns: Required columns. Their order is free, and the file may have others.
        report: Called as ``report(message, line number, kind='incomplete row')`` for rows with too few or too many
            values; they are skipped.
        filled: Columns whose values must not be empty.

    Raises:
        KeyError: A column is missing.
        AnnotationError: see :func:`open_table`.
    """
    with open_table(path) as f:
        reader = csv.DictReader(f)
        missing = [c for c in columns if c not in (reader.fieldnames or ())]
        if missing:
            raise KeyError(
                f'{path} has no column {", ".join(missing)}; its columns are {", ".join(reader.fieldnames or ["none"])}'
            )
        for row in reader:
            if None in row.values() or None in row:
                fewer = 'fewer' if None in row.values() else 'more'
                report(f'{fewer} values than columns', reader.line_num, kind='incomplete row')
            elif empty := [c for c in filled if not row[c] or row[c].isspace()]:
                report(
                    f'no value of {", ".join(empty)}: fill it in or remove the row',
                    reader.line_num,
                    kind='incomplete row',
                )
            else:
                yield reader.line_num, row

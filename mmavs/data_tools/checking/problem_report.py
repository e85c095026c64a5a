"""The problems found by a check of a dataset, as text and as a file."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from prettytable import PrettyTable

from mmavs.utils.files import write_text

from .file_checks import Finding

REPORT_SUFFIXES = ('.csv', '.json')


class Problem(NamedTuple):
    """One problem. Problems are ordered by their attributes, the first attribute first.

    Attributes:
        level: ``'error'`` if training would stop or results would be wrong, otherwise ``'warning'``.
        kind: The problem in two or three words.
        path: The file.
        loaders: The data loaders that use it, such as ``'train, test'``.
        detail: Complete description.
    """

    level: str
    kind: str
    path: str
    loaders: str
    detail: str

    @classmethod
    def of(cls, finding: Finding, loaders: Iterable[str]) -> 'Problem':
        """Makes a problem of a finding and the data loaders that use the file."""
        order = ('train', 'val', 'test')
        names = ', '.join(sorted(loaders, key=order.index))
        return cls('error' if finding.fatal else 'warning', finding.kind, finding.path, names, finding.detail)

    def __str__(self) -> str:
        where = '' if self.path in self.detail else f'{self.path}: '
        return f'{self.level}: {self.kind} ({self.loaders}): {where}{self.detail}'


def summary_table(problems: Sequence[Problem]) -> str:
    """Number of problems of each kind."""
    table = PrettyTable(['level', 'kind', 'number'], align='l')
    table.align['number'] = 'r'
    for (level, kind), number in sorted(Counter((p.level, p.kind) for p in problems).items()):
        table.add_row([level, kind, number])
    return table.get_string()


def check_report_path(path: str) -> None:
    """Raises a ValueError if the suffix is not that of a report format."""
    if not path.lower().endswith(REPORT_SUFFIXES):
        raise ValueError(f'--report must end in {" or ".join(REPORT_SUFFIXES)}, got {path}')


def write_report(path: str, problems: Sequence[Problem]) -> None:
    """Writes the problems as CSV or JSON, depending on the suffix."""
    check_report_path(path)
    if path.lower().endswith('.json'):
        text = json.dumps([p._asdict() for p in problems], indent=1, ensure_ascii=False) + '\n'
    else:
        lines = io.StringIO()
        csv.writer(lines, lineterminator='\n').writerows([Problem._fields, *problems])
        text = lines.getvalue()
    write_text(path, text, option='--report')

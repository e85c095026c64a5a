"""The rows of a run in a file to which they are appended, so that an interrupted run continues."""

import json
from pathlib import Path


class RowFile:
    """A file of lines of JSON: the settings of the run, then the rows of each finished unit.

    Args:
        path: The file. If it has the same settings, its rows are kept, except for an incomplete last line; rows with
            other settings are replaced.
        settings: The settings that determine the rows.
    """

    def __init__(self, path: Path, settings: dict) -> None:
        self.path = path
        self.rows: dict[int, list[dict]] = {}
        lines = path.read_text(encoding='utf-8').splitlines(keepends=True) if path.is_file() else []
        complete = [json.loads(line) for line in lines if line.endswith('\n')]
        self.replaced = bool(complete) and complete[0] != {'settings': settings}
        if complete and not self.replaced:
            self.rows = {entry['unit']: entry['rows'] for entry in complete[1:]}
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [dict(settings=settings), *(dict(unit=unit, rows=rows) for unit, rows in self.rows.items())]
        temporary = path.with_name(path.name + '.tmp')
        temporary.write_text(''.join(json.dumps(entry) + '\n' for entry in kept), encoding='utf-8')
        temporary.replace(path)

    def add(self, unit: int, rows: list[dict]) -> None:
        """Appends the rows of a unit."""
        self.rows[unit] = rows
        with self.path.open('a', encoding='utf-8') as file:
            file.write(json.dumps(dict(unit=unit, rows=rows)) + '\n')

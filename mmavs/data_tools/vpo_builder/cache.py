"""Results of long checks, stored on disk so that an interrupted build does not repeat them."""

import json
import os
from typing import Any

from mmavs.utils.files import write_text, writing_error


class ResultCache:
    """JSON values by name, appended to a JSON-lines file one by one.

    A value is valid while its stamp (size and modification time of the file from which it was computed) is unchanged.

    Args:
        path: The file.
        fingerprint: Identifies all other inputs of the values; a file with another fingerprint is replaced.
    """

    def __init__(self, path: str, fingerprint: str) -> None:
        self.path = path
        self._head = json.dumps({'fingerprint': fingerprint})
        self._values: dict[str, tuple[list[int], Any]] = {}
        self._used: set[str] = set()
        self._load()
        self._rewrite(self._values)
        self._file = open(path, 'a', encoding='utf-8')

    def get(self, name: str, stamp: list[int]) -> Any:
        """The stored value, or None."""
        self._used.add(name)
        known = self._values.get(name)
        return known[1] if known and known[0] == stamp else None

    def put(self, name: str, stamp: list[int], value: Any) -> None:
        """Stores a value (not None)."""
        self._used.add(name)
        self._values[name] = (stamp, value)
        try:
            self._file.write(json.dumps([name, stamp, value]) + '\n')
            self._file.flush()
        except OSError as error:
            raise writing_error(self.path, error) from error

    def __enter__(self) -> 'ResultCache':
        return self

    def __exit__(self, error_type: type | None, *_: object) -> None:
        try:
            self._file.close()
        except OSError:  # `put` has reported a full disk
            pass
        if error_type is None:
            self._rewrite({k: v for k, v in self._values.items() if k in self._used})

    def _load(self) -> None:
        if not os.path.exists(self.path):
            return
        with open(self.path, encoding='utf-8', errors='replace') as f:
            if f.readline().rstrip('\n') != self._head:
                return
            for line in f:
                try:
                    name, stamp, value = json.loads(line)
                except ValueError:  # the last line of a killed run
                    continue
                self._values[name] = (stamp, value)

    def _rewrite(self, values: dict[str, tuple[list[int], Any]]) -> None:
        lines = [self._head, *(json.dumps([k, *values[k]]) for k in sorted(values))]
        write_text(self.path, '\n'.join(lines) + '\n')

"""Run, not imported, by each worker process before its first job: lets it import the builder without all of mmavs.

Importing mmavs brings torch and mmseg with it, some 0.6 GB and seconds of start, which no worker has a use for. Here
bare packages stand in for those above the builder, unless the real ones are loaded already.
"""

import os
import sys
import threading
from multiprocessing import parent_process
from pathlib import Path
from types import ModuleType

for _name, _folder in zip(('mmavs.datasets', 'mmavs'), Path(__file__).resolve().parents[1:3], strict=True):
    if _name not in sys.modules:
        _package = ModuleType(_name)
        _package.__path__ = [str(_folder)]
        sys.modules[_name] = _package


def _end_with_parent() -> None:
    """Ends this process with the one that started it, which cannot end its workers where it is killed."""
    parent_process().join()
    os._exit(1)


if parent_process() is not None:
    threading.Thread(target=_end_with_parent, daemon=True).start()

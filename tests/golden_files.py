"""Folder of the golden vectors: recorded inputs and outputs of the reference implementations."""

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
SMALL_FILES = TESTS / 'golden'
ALL_FILES = TESTS.parents[1] / 'shared' / 'golden'


def golden_folder() -> Path:
    """``$MMAVS_GOLDEN`` if it is set, else the folder of all files if it exists, else that of the small files.

    All files of a run come from one folder, because recorded outputs belong to the inputs and the salt beside them.
    """
    if 'MMAVS_GOLDEN' in os.environ:
        folder = Path(os.environ['MMAVS_GOLDEN'])
        if not folder.is_dir():
            raise NotADirectoryError(f'MMAVS_GOLDEN={folder} is not a folder; unset it to take {SMALL_FILES}')
        return folder
    return ALL_FILES if ALL_FILES.is_dir() else SMALL_FILES


def golden_path(name: str) -> Path:
    """The path of a file of golden vectors; the test is skipped if only the small files are available."""
    folder = golden_folder()
    if folder == SMALL_FILES and not (folder / name).exists():
        pytest.skip(f'{name} is too large for {SMALL_FILES}; set MMAVS_GOLDEN to a folder with all golden vectors')
    return folder / name

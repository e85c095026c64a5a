"""Atomic writing of files."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

PART = '.part'
"""Suffix of temporary names."""

COPY_MODES = ('copy', 'hardlink', 'symlink')


@contextmanager
def atomic_file(path: str, option: str = '--out') -> Iterator[str]:
    """Yields a temporary name in the folder of ``path``; the file gets its name when the block ends without an error.

    Args:
        path: The file.
        option: Option of the tool that sets the folder, for messages.

    Raises:
        OSError: Writing failed (disk full, read-only folder, ...). An earlier file is kept, the temporary one is
            removed, and the message contains a remedy.
    """
    part = f'{path}{PART}'
    try:
        os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
        if os.path.lexists(part):  # left by a killed run
            os.unlink(part)
        yield part
        os.replace(part, path)
        if os.path.lexists(part):  # rename(2) has no effect if both names are hard links of one file
            os.unlink(part)
    except BaseException as error:
        if os.path.lexists(part):
            os.unlink(part)
        if isinstance(error, OSError) and error.errno is not None:
            raise writing_error(path, error, option) from error
        raise


def make_output_folder(path: str, option: str = '--out') -> None:
    """Makes a folder if needed, and checks that it is writable, so that a long run does not fail at its end.

    Args:
        path: The folder.
        option: Option of the tool that sets it, for messages.

    Raises:
        OSError: It is not writable (a file of this name, read-only, ...); the message contains a remedy.
    """
    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise writing_error(path, error, option, goes_on=False) from error


def writing_error(path: str, error: OSError, option: str = '--out', *, goes_on: bool = True) -> OSError:
    """An error that names the file that could not be written, and the remedy.

    Args:
        path: The file.
        error: Error of the system.
        option: Option of the tool that sets the folder, for messages.
        goes_on: True if the tool keeps finished work when it is run again.
    """
    remedy = {
        errno.EXDEV: 'use --copy-mode copy',
        **dict.fromkeys((errno.EEXIST, errno.ENOTDIR), f'a file has this name: move it or choose another {option}'),
        **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), f'allow writing there or choose another {option}'),
    }.get(error.errno, f'make room for it or choose another {option}')
    end = ': finished work is kept' if goes_on else ''
    return OSError(error.errno, f'cannot write {path}: {error.strerror}; {remedy}, and run again{end}')


def write_text(path: str, text: str, option: str = '--out') -> None:
    """Writes UTF-8 text atomically; arguments as in :func:`atomic_file`."""
    with atomic_file(path, option) as part, open(part, 'w', encoding='utf-8', newline='') as f:
        f.write(text)


def write_bytes(path: str, content: bytes, option: str = '--out') -> None:
    """Writes a file atomically; arguments as in :func:`atomic_file`.

    Encoders should write to memory first, since their errors on a full disk do not name the file.
    """
    with atomic_file(path, option) as part, open(part, 'wb') as f:
        f.write(content)


def place_file(source: str, target: str, mode: str = 'copy') -> None:
    """Copies or links ``source`` to ``target``, unless it is there already.

    Args:
        source: An existing file.
        target: Path of the copy or link.
        mode: ``'copy'``, ``'hardlink'`` (same file system only) or ``'symlink'``.
    """
    if os.path.exists(target) and os.path.getsize(target) == os.path.getsize(source):
        return
    with atomic_file(target) as part:
        if mode == 'copy':
            shutil.copyfile(source, part)
        elif mode == 'symlink':
            os.symlink(os.path.abspath(source), part)
        else:
            os.link(os.path.realpath(source), part)


def stamp(path: str) -> list[int] | None:
    """Size in bytes and modification time (ns), to detect a changed file; None if there is no file."""
    try:
        info = os.stat(path)
    except OSError:
        return None
    return [info.st_size, info.st_mtime_ns]


def describe_input(path: str) -> dict[str, str | int]:
    """Name, size in bytes and SHA-256 of an input file. The folder is left out, since a build must not depend on it."""
    digest = hashlib.sha256()
    with open(path, 'rb') as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return {'name': os.path.basename(path), 'bytes': os.path.getsize(path), 'sha256': digest.hexdigest()}

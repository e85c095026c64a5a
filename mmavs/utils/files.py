"""Files that appear whole or not at all."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

PART = '.part'
"""End of a temporary name."""

COPY_MODES = ('copy', 'hardlink', 'symlink')


@contextmanager
def whole_file(path: str, option: str = '--out') -> Iterator[str]:
    """Gives a temporary name beside ``path``; what was written there takes the final name when the block ends well.

    Args:
        path: The file.
        option: The option of the tool that says where files go.

    Raises:
        OSError: Writing failed (disk full, read-only folder, ...). Nothing is left under either name that was not
            there before, and the message says what to do.
    """
    part = f'{path}{PART}'
    try:
        os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
        if os.path.lexists(part):  # of a run that was killed
            os.unlink(part)
        yield part
        os.replace(part, path)
        if os.path.lexists(part):  # rename(2) does nothing between two hard links of one file
            os.unlink(part)
    except BaseException as error:
        if os.path.lexists(part):
            os.unlink(part)
        if isinstance(error, OSError) and error.errno is not None:
            raise writing_error(path, error, option) from error
        raise


def make_output_folder(path: str, option: str = '--out') -> None:
    """Makes a folder, unless it is there, and tries whether files can be written to it: now rather than in hours.

    Args:
        path: The folder.
        option: The option of the tool that names it.

    Raises:
        OSError: They can't (a file of this name, read-only, ...); the message says what to do.
    """
    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise writing_error(path, error, option, goes_on=False) from error


def writing_error(path: str, error: OSError, option: str = '--out', *, goes_on: bool = True) -> OSError:
    """Says which file could not be written, and the way on.

    Args:
        path: The file.
        error: What the system said.
        option: The option of the tool that says where files go.
        goes_on: Whether the tool, run again, keeps what is done.
    """
    remedy = {
        errno.EXDEV: 'use --copy-mode copy',
        **dict.fromkeys((errno.EEXIST, errno.ENOTDIR), f'a file is in the way: move it or choose another {option}'),
        **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), f'allow writing there or choose another {option}'),
    }.get(error.errno, f'make room for it or choose another {option}')
    end = ': what is done is not repeated' if goes_on else ''
    return OSError(error.errno, f'cannot write {path}: {error.strerror}; {remedy}, and run again{end}')


def write_text(path: str, text: str, option: str = '--out') -> None:
    """Writes UTF-8 text in one go; arguments as in :func:`whole_file`."""
    with whole_file(path, option) as part, open(part, 'w', encoding='utf-8', newline='') as f:
        f.write(text)


def write_bytes(path: str, content: bytes, option: str = '--out') -> None:
    """Writes a file in one go; arguments as in :func:`whole_file`.

    Encoders write to memory first: their own errors on a full disk name neither the file nor the reason.
    """
    with whole_file(path, option) as part, open(part, 'wb') as f:
        f.write(content)


def place_file(source: str, target: str, mode: str = 'copy') -> None:
    """Copies or links ``source`` to ``target``, unless it is there already.

    Args:
        source: An existing file.
        target: Where it shall be found.
        mode: ``'copy'``, ``'hardlink'`` (same file system only) or ``'symlink'``.
    """
    if os.path.exists(target) and os.path.getsize(target) == os.path.getsize(source):
        return
    with whole_file(target) as part:
        if mode == 'copy':
            shutil.copyfile(source, part)
        elif mode == 'symlink':
            os.symlink(os.path.abspath(source), part)
        else:
            os.link(os.path.realpath(source), part)


def stamp(path: str) -> list[int] | None:
    """Size in bytes and time of change (ns): they differ once the file was replaced. None where there is no file."""
    try:
        info = os.stat(path)
    except OSError:
        return None
    return [info.st_size, info.st_mtime_ns]


def describe_input(path: str) -> dict[str, str | int]:
    """Name, size in bytes and SHA-256 of an input file; no folder, so that a build does not depend on where it lies."""
    digest = hashlib.sha256()
    with open(path, 'rb') as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return {'name': os.path.basename(path), 'bytes': os.path.getsize(path), 'sha256': digest.hexdigest()}

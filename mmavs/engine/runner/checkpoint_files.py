"""Checkpoint files: written atomically, and checked before they are loaded."""

import glob
import os
import os.path as osp
import pickle
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import mmengine.runner.checkpoint as mmengine_checkpoint
import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.runner.checkpoint import CheckpointLoader

from mmavs.utils.files import PART, atomic_file


@register_backend('atomic_local')
class AtomicLocalBackend(LocalBackend):
    """Writes local files atomically: a file gets its name when its complete content is on the disk."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Writes ``obj``, first under a temporary name in the same folder.

        Raises:
            OSError: The disk is full or the folder is not writable. An earlier file of this name is kept.
        """
        with atomic_file(str(filepath), '--work-dir') as part, open(part, 'wb') as f:
            f.write(obj)
            f.flush()
            os.fsync(f.fileno())


def remove_parts(folder: str) -> None:
    """Removes temporary files of killed trainings."""
    for path in glob.glob(osp.join(glob.escape(folder), f'*.pth{PART}')):
        os.unlink(path)


def find_damage(path: str | Path) -> str | None:
    """Describes the damage of a file written by ``torch.save``; None if it is complete. Verifies all checksums."""
    if osp.getsize(path) == 0:
        return 'the file is empty'
    try:
        with zipfile.ZipFile(path) as file:
            broken = file.testzip()
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        return f'the file is truncated or not a checkpoint ({error})'
    return None if broken is None else f'the checksum of its entry {broken} is wrong'


def load_from_local(filename: str | Path, map_location=None) -> dict:
    """Loads a file with torch's weights-only check; arguments as in :func:`load_from_local_file`."""
    path = Path(filename).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint not found: {path}')
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        raise pickle.UnpicklingError(
            f'{path} was not loaded: it is damaged or contains other types than tensors, plain values and those of '
            'mmengine (see the error above), and loading these could run code. Save only its '
            'state_dict, and load that file.'
        ) from error


def load_from_local_file(filename: str | Path, map_location=None) -> dict:
    """Loads a local checkpoint. Verifies its checksums, which ``torch.load`` does not.

    Args:
        filename: Path, ``~`` is expanded.
        map_location: As in :func:`torch.load`.

    Raises:
        FileNotFoundError: There is no such file.
        pickle.UnpicklingError: The file contains other types than tensors, plain values and those of mmengine.
        ValueError: The file is damaged or not a checkpoint; the message names it.
    """
    path = osp.expanduser(filename)
    if osp.isfile(path) and not _is_legacy(path) and (damage := find_damage(path)):
        raise _loading_error(path, damage)
    try:
        checkpoint = load_from_local(path, map_location)
    except (FileNotFoundError, pickle.UnpicklingError):
        raise
    except Exception as error:  # torch raises many types of errors for truncated files
        raise _loading_error(path, f'the file is truncated or not a checkpoint ({error!r})') from error
    if not isinstance(checkpoint, dict):
        raise _loading_error(path, f'it holds a {type(checkpoint).__name__}, not a dict of weights')
    return checkpoint


@contextmanager
def checked_local_files() -> Iterator[None]:
    """Within this context mmengine loads local checkpoints by :func:`load_from_local_file`.

    Outside of it, mmengine's loader is unchanged.
    """
    CheckpointLoader.register_scheme(prefixes='', loader=load_from_local_file, force=True)
    try:
        yield
    finally:
        CheckpointLoader.register_scheme(prefixes='', loader=mmengine_checkpoint.load_from_local, force=True)


def _is_legacy(path: str) -> bool:
    """True if a file is a pickle, the format of torch before 1.6, and not a ZIP archive."""
    with open(path, 'rb') as f:
        return f.read(1) == b'\x80'


def _loading_error(path: str, reason: str) -> ValueError:
    return ValueError(
        f'{path} cannot be loaded: {reason}. Copy or download it again, or use another checkpoint; --resume without a '
        'name finds the newest usable one of the work dir.'
    )


def find_checkpoint(work_dir: str, warn: Callable[[str], None]) -> str | None:
    """Finds the newest checkpoint that a training can resume from.

    Args:
        work_dir: Folder of the training. If its file ``last_checkpoint`` names another folder, that one is searched
            as well.
        warn: Called with a message for each checkpoint that is skipped.

    Returns:
        str | None: Path; None if there is no checkpoint at all.

    Raises:
        ValueError: There are checkpoints, and none of them is usable: a new training would overwrite them.
    """
    paths = set()
    for folder in {work_dir, _folder_of_last(work_dir)}:
        for kind in ('epoch', 'iter'):
            paths.update(glob.glob(osp.join(glob.escape(folder), f'{kind}_*.pth')))
    reasons = []
    for path in sorted(paths, key=lambda p: (osp.getmtime(p), p), reverse=True):
        reason = find_damage(path) or _reason_not_resumable(path)
        if reason is None:
            return path
        reasons.append(f'{path} is skipped: {reason}')
        warn(reasons[-1])
    if reasons:
        raise ValueError(
            f'no checkpoint in {work_dir} is usable, so the training cannot resume. {"; ".join(reasons)}. Choose '
            'another --work-dir, or leave out --resume to start a new training there, which overwrites them.'
        )
    return None


def _reason_not_resumable(path: str) -> str | None:
    """The reason why a training cannot resume from an undamaged file; None if it can."""
    try:
        checkpoint = load_from_local(path, map_location='meta')  # tensors without their values
    except Exception as error:  # an older file may be usable
        return f'it cannot be loaded ({error!r})'
    if not isinstance(checkpoint, dict):
        return f'it holds a {type(checkpoint).__name__}, not a dict'
    missing = missing_to_resume(checkpoint)
    return f'it does not contain {", ".join(missing)}' if missing else None


def missing_to_resume(checkpoint: dict) -> list[str]:
    """Entries that a resumed training needs and that are missing in a checkpoint."""
    return [name for name in ('meta', 'message_hub', 'state_dict') if name not in checkpoint]


def _folder_of_last(work_dir: str) -> str:
    record = osp.join(work_dir, 'last_checkpoint')
    last = Path(record).read_text(encoding='utf-8').strip() if osp.isfile(record) else ''
    return osp.dirname(last) if last and osp.isdir(osp.dirname(last)) else work_dir

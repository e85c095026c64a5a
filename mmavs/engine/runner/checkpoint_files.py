"""Checkpoint files: written whole or not at all, and checked before they are used."""

import glob
import os
import os.path as osp
import pickle
import zipfile
from pathlib import Path

import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.runner.checkpoint import CheckpointLoader

from mmavs.utils.files import PART, whole_file


@register_backend('atomic_local')
class AtomicLocalBackend(LocalBackend):
    """Files on this machine; what is put appears under its name when all of it is on the disk."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Writes ``obj``, first under a temporary name in the same folder.

        Raises:
            OSError: The disk is full or the folder can't be written: names the file; nothing is left there, and what
                was there stays.
        """
        with whole_file(str(filepath), '--work-dir') as part, open(part, 'wb') as f:
            f.write(obj)
            f.flush()
            os.fsync(f.fileno())


def remove_parts(folder: str) -> None:
    """Removes what writers that were killed have left."""
    for path in glob.glob(osp.join(glob.escape(folder), f'*.pth{PART}')):
        os.unlink(path)


def find_damage(path: str | Path) -> str | None:
    """What is wrong with a checkpoint file that `torch.save` wrote, in words; None if it is whole.

    Reads all of it and compares the check sums.
    """
    if osp.getsize(path) == 0:
        return 'the file is empty'
    try:
        with zipfile.ZipFile(path) as file:
            broken = file.testzip()
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        return f'the file is cut short or no checkpoint ({error})'
    return None if broken is None else f'its part {broken} has changed since it was written'


def load_from_local(filename: str, map_location=None) -> dict:
    """Load a checkpoint file with the weights-only check on.

    Args:
        filename: Path of the file, ``~`` allowed.
        map_location: As in :func:`torch.load`.

    Raises:
        FileNotFoundError: There is no such file.
        pickle.UnpicklingError: The file holds more than tensors, plain values and mmengine's own types.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint not found: {path}')
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        raise pickle.UnpicklingError(
            f"{path} was not loaded: it is damaged or holds more than tensors, plain values and mmengine's own types "
            '(see the error above), and reading those could run code. Save its state_dict alone, and load that file.'
        ) from error


@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_from_local_file(filename: str | Path, map_location=None) -> dict:
    """mmengine's loader of checkpoints on this machine: whatever is wrong with a file, the error names it.

    Check sums are compared first, which ``torch.load`` leaves out.

    Args:
        filename: Path of the file, ``~`` allowed.
        map_location: As in :func:`torch.load`.

    Raises:
        FileNotFoundError: There is no such file.
        pickle.UnpicklingError: Reading the file could run code.
        ValueError: The file is damaged, or no checkpoint.
    """
    path = osp.expanduser(filename)
    if osp.isfile(path) and not _is_legacy(path) and (damage := find_damage(path)):
        raise _loading_error(path, damage)
    try:
        checkpoint = load_from_local(path, map_location)
    except (FileNotFoundError, pickle.UnpicklingError):
        raise
    except Exception as error:  # torch raises nearly anything for a file that is cut short
        raise _loading_error(path, f'the file is cut short or no checkpoint ({error!r})') from error
    if not isinstance(checkpoint, dict):
        raise _loading_error(path, f'it holds a {type(checkpoint).__name__}, not a dict of weights')
    return checkpoint


def _is_legacy(path: str) -> bool:
    """Whether it is a pickle, the format of torch before 1.6, rather than an archive."""
    with open(path, 'rb') as f:
        return f.read(1) == b'\x80'


def _loading_error(path: str, reason: str) -> ValueError:
    return ValueError(
        f'{path} can not be loaded: {reason}. Copy or download it again, or take another checkpoint; with --resume and '
        'no name the newest whole one of the work dir is found.'
    )


def find_newest_whole(work_dir: str, warn) -> str | None:
    """The newest checkpoint that is whole and that a training can go on from.

    Args:
        work_dir (str): Folder of the training; where its file ``last_checkpoint`` points elsewhere, that folder is
            searched too.
        warn (Callable): Called with a message for each checkpoint that is passed over.

    Returns:
        str | None: Path; None if there is none.
    """
    paths = set()
    for folder in {work_dir, _folder_of_last(work_dir)}:
        for kind in ('epoch', 'iter'):
            paths.update(glob.glob(osp.join(glob.escape(folder), f'{kind}_*.pth')))
    for path in sorted(paths, key=lambda p: (osp.getmtime(p), p), reverse=True):
        obstacle = find_damage(path) or _find_lack(path)
        if obstacle is None:
            return path
        warn(f'{path} is passed over: {obstacle}')
    return None


def _find_lack(path: str) -> str | None:
    """What a training that shall go on misses in a file that is whole, in words."""
    try:
        checkpoint = load_from_local(path, map_location='meta')  # tensors without their values
    except Exception as error:  # whatever it is, an older file may do
        return f'it can not be loaded ({error!r})'
    if not isinstance(checkpoint, dict):
        return f'it holds a {type(checkpoint).__name__}, not a dict'
    lacking = lacking_to_resume(checkpoint)
    return f'it has no {", ".join(lacking)}' if lacking else None


def lacking_to_resume(checkpoint: dict) -> list[str]:
    """The entries that a training needs to go on and that a checkpoint has not."""
    return [name for name in ('meta', 'message_hub', 'state_dict') if name not in checkpoint]


def _folder_of_last(work_dir: str) -> str:
    record = osp.join(work_dir, 'last_checkpoint')
    last = Path(record).read_text(encoding='utf-8').strip() if osp.isfile(record) else ''
    return osp.dirname(last) if last and osp.isdir(osp.dirname(last)) else work_dir

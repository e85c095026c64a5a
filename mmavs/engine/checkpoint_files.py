"""Checkpoint files: written whole or not at all, and checked before they are used."""

import glob
import os
import os.path as osp
import zipfile
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from ..datasets.vpo_builder.files import PART, whole_file


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


def find_newest_whole(work_dir: str, warn) -> str | None:
    """The newest checkpoint of a training that is whole.

    Args:
        work_dir (str): Folder of the training; where its file ``last_checkpoint`` points elsewhere, that folder is
            searched too.
        warn (Callable): Called with a message for each damaged checkpoint.

    Returns:
        str | None: Path; None if there is none.
    """
    paths = set()
    for folder in {work_dir, _folder_of_last(work_dir)}:
        for kind in ('epoch', 'iter'):
            paths.update(glob.glob(osp.join(glob.escape(folder), f'{kind}_*.pth')))
    for path in sorted(paths, key=lambda p: (osp.getmtime(p), p), reverse=True):
        damage = find_damage(path)
        if damage is None:
            return path
        warn(f'{path} is passed over: {damage}')
    return None


def _folder_of_last(work_dir: str) -> str:
    record = osp.join(work_dir, 'last_checkpoint')
    last = Path(record).read_text(encoding='utf-8').strip() if osp.isfile(record) else ''
    return osp.dirname(last) if last and osp.isdir(osp.dirname(last)) else work_dir

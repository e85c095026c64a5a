"""Writes checkpoints under a name that tells what is in them."""

import io
from hashlib import sha256
from pathlib import Path

import torch

from mmavs.engine.runner.checkpoint_files import AtomicLocalBackend


def write_checkpoint(checkpoint: dict, target: str | Path, default_name: str) -> Path:
    """Writes a checkpoint, whole or not at all.

    Args:
        checkpoint: What `torch.save` shall write; equal content gives an equal file.
        target: A file, or a folder, which exists or whose name has no suffix.
        default_name: Name of the file in such a folder, without the suffix.

    Returns:
        Path: Where it is: the first 8 digits of the file's SHA-256 end its name, as in mmseg's model zoo.

    Raises:
        OSError: It can't be written; nothing is left there.
    """
    target = Path(target).expanduser()
    if target.is_dir() or not target.suffix:
        target = target / f'{default_name}.pth'
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    content = buffer.getvalue()
    path = target.with_name(f'{target.stem}-{sha256(content).hexdigest()[:8]}.pth')
    AtomicLocalBackend().put(content, path)
    return path


def print_dropped(dropped: dict[str, str]) -> None:
    """Says which entries were left out, a line for each reason."""
    for reason in dict.fromkeys(dropped.values()):
        names = [name for name, why in dropped.items() if why == reason]
        print(f'  left out: {", ".join(names)} ({reason})')

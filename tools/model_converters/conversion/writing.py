"""Writes checkpoints with a part of their SHA-256 in the name."""

import io
from hashlib import sha256
from pathlib import Path

import torch

from mmavs.engine.runner.checkpoint_files import AtomicLocalBackend


def write_checkpoint(checkpoint: dict, target: str | Path, default_name: str) -> Path:
    """Writes a checkpoint atomically.

    Args:
        checkpoint: The content for `torch.save`; equal content gives an equal file.
        target: A file, or a folder, which exists or has no suffix in its name.
        default_name: Name of the file in a folder, without the suffix.

    Returns:
        Path: The file; its name ends with the first 8 digits of its SHA-256, as in the model zoo of mmseg.

    Raises:
        OSError: The file cannot be written; no incomplete file is left.
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
    """Prints the entries that were left out, one line for each reason."""
    for reason in dict.fromkeys(dropped.values()):
        names = [name for name, why in dropped.items() if why == reason]
        print(f'  left out: {", ".join(names)} ({reason})')

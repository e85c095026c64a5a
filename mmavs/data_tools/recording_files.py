"""Files of recordings in a folder: sounds or downloaded videos."""

import os
from collections.abc import Iterable

import soundfile

from mmavs.audio import SAMPLE_RATE
from mmavs.audio.suffixes import SOUND_SUFFIXES, VIDEO_SUFFIXES
from mmavs.utils.files import place_file

from .resampling import CopyJob, copy_recording

_RANK = {suffix: rank for rank, suffix in enumerate((*SOUND_SUFFIXES, *VIDEO_SUFFIXES))}


def find_recordings(folder: str, names: Iterable[str]) -> dict[str, str]:
    """Paths of recordings by their names without suffix.

    Args:
        folder: Folder of the files, ``<name>.wav`` or with another suffix of sounds or videos. If a name has several
            files, sounds have priority over videos, and WAV files over other sounds.
        names: The wanted names; those without a file are not in the result.
    """
    wanted, found = set(names), {}
    if not os.path.isdir(folder):
        return {}
    for entry in os.scandir(folder):
        stem, suffix = os.path.splitext(entry.name)
        rank = _RANK.get(suffix.lower())
        if rank is not None and stem in wanted and (stem not in found or rank < found[stem][0]):
            found[stem] = (rank, entry.path)
    return {stem: path for stem, (_, path) in found.items()}


def write_recording(job: tuple[str, str, str]) -> None:
    """Copies or links a WAV file. Other files are converted to mono WAV files of 16 kHz.

    Args:
        job: Source file, target file (WAV), and copy mode of :func:`place_file`.

    Raises:
        OSError: The recording cannot be read, or the file cannot be written.
    """
    source, target, mode = job
    if source.lower().endswith('.wav') and _is_sound(source):
        place_file(source, target, mode)
        return
    _, problem = copy_recording(CopyJob(source, target, SAMPLE_RATE, 'FLOAT'))
    if problem:
        raise OSError(problem)


def _is_sound(path: str) -> bool:
    """True if libsndfile can read the file; some downloads named WAV contain AAC or MP4."""
    try:
        soundfile.info(path)
    except (soundfile.LibsndfileError, OSError):
        return False
    return True

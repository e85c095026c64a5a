"""Copies of recordings at the rate of the model, so that training need not resample."""

import io
import os
from collections import defaultdict
from collections.abc import Iterator
from multiprocessing import parent_process
from typing import NamedTuple

import numpy as np
import soundfile
import torch
from scipy.io import wavfile

from mmavs.audio import SAMPLE_RATE
from mmavs.audio.reading import read_recording
from mmavs.utils.files import write_bytes

from .parallel import WorkerPool, default_workers

SUBTYPES = ('FLOAT', 'PCM_16')
SUFFIXES = ('.wav', '.flac', '.ogg', '.opus', '.mp3', '.aif', '.aiff', '.au')
_CLOCK = 2  # seconds to which file systems agree on times


class CopyJob(NamedTuple):
    """A recording to copy.

    Attributes:
        source: The recording.
        target: The copy, a WAV.
        sample_rate: Of the copy, Hz.
        subtype: Of the copy, one of ``SUBTYPES``.
    """

    source: str
    target: str
    sample_rate: int
    subtype: str


class Copied(NamedTuple):
    """What became of the recordings.

    Attributes:
        written: Number of copies written now.
        kept: Number of copies that were there.
        failed: (recording, reason) of those that cannot be copied, in order.
    """

    written: int
    kept: int
    failed: list[tuple[str, str]]


def resample_folder(
    source: str, out: str, *, sample_rate: int = SAMPLE_RATE, subtype: str = 'FLOAT', workers: int | None = None
) -> Copied:
    """Copies all recordings below a folder, as ``LoadAudio`` reads them: channels averaged, resampled.

    A copy lies where its original does and has its name, with the suffix ``.wav``. Copies with subtype ``'FLOAT'``
    give the same waveforms as the originals up to rounding; ``'PCM_16'`` takes half the space, rounds to 2**-15 and
    clips. A copy whose original has not changed since is kept, so that an interrupted run goes on where it stopped.

    Args:
        source: The folder.
        out: Folder for the copies, apart from ``source``.
        sample_rate: Of the copies, Hz.
        subtype: ``'FLOAT'`` or ``'PCM_16'``.
        workers: Number of processes, None for one per CPU core.

    Raises:
        FileNotFoundError: ``source`` is not there or holds no recording.
        ValueError: An argument is out of range, one folder lies in the other, or two recordings would get one name.
        OSError: A copy cannot be written; no incomplete one is left.
    """
    if subtype not in SUBTYPES:
        raise ValueError(f'--subtype must be one of {", ".join(SUBTYPES)}, got {subtype!r}')
    for name, value in (('--rate', sample_rate), ('--workers', workers)):
        if value is not None and value < 1:
            raise ValueError(f'{name} must be at least 1, got {value}')
    check_apart(source, out)
    jobs = _make_jobs(source, out, sample_rate, subtype)
    written, failed = 0, []
    with WorkerPool(workers or default_workers()) as pool:
        results = pool.map(copy_recording, jobs, total=len(jobs), desc='Resampling')
        for job, (done, problem) in zip(jobs, results, strict=True):
            written += done
            if problem:
                failed.append((job.source, problem))
    return Copied(written, len(jobs) - written - len(failed), failed)


def copy_recording(job: CopyJob) -> tuple[bool, str]:
    """Copies a recording, unless its copy is there.

    Returns:
        Whether it was written, and why it cannot be, or ``''``.
    """
    if parent_process() is not None:  # a worker, one of several
        torch.set_num_threads(1)
    try:
        before = os.stat(job.source)
        if _is_current(job, before):
            return False, ''
        waveform = read_recording(job.source, sample_rate=job.sample_rate)
    except OSError as error:
        return False, str(error)
    samples = waveform.numpy()
    if job.subtype == 'PCM_16':
        samples = (samples * 2**15).round().clip(-(2**15), 2**15 - 1).astype(np.int16)
    content = io.BytesIO()
    wavfile.write(content, job.sample_rate, samples)  # libsndfile would put the time of writing into the file
    write_bytes(job.target, content.getvalue())
    os.utime(job.target, ns=(before.st_atime_ns, before.st_mtime_ns))
    return True, ''


def _is_current(job: CopyJob, source: os.stat_result) -> bool:
    try:
        info = soundfile.info(job.target)
        same_time = abs(os.stat(job.target).st_mtime - source.st_mtime) < _CLOCK
    except (OSError, RuntimeError):
        return False
    return same_time and (info.samplerate, info.subtype, info.channels) == (job.sample_rate, job.subtype, 1)


def check_apart(source: str, out: str) -> None:
    """Raises an error where the source is not there, or one folder lies in the other."""
    if not os.path.isdir(source):
        raise FileNotFoundError(f'no such folder: {source}')
    folders = [os.path.realpath(source), os.path.realpath(out)]
    if os.path.commonpath(folders) in folders:
        raise ValueError(f'--out must be a folder apart from {source}, neither in it nor around it, got {out}')


def _make_jobs(source: str, out: str, sample_rate: int, subtype: str) -> list[CopyJob]:
    found = defaultdict(list)
    for path in _recordings(source):
        target = os.path.join(out, os.path.splitext(os.path.relpath(path, source))[0] + '.wav')
        found[target].append(path)
    if not found:
        raise FileNotFoundError(f'no recording ({", ".join(SUFFIXES)}) in {source}')
    for paths in found.values():
        if len(paths) > 1:
            raise ValueError(f'{" and ".join(paths)} would get copies of one name; rename one')
    return [CopyJob(found[target][0], target, sample_rate, subtype) for target in sorted(found)]


def _recordings(folder: str) -> Iterator[str]:
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith('.'):
                yield os.path.join(root, name)

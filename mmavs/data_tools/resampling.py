"""Copies of recordings at the sample rate of the model, so that training does not resample."""

import io
import os
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import soundfile
from scipy.io import wavfile

from mmavs.audio import SAMPLE_RATE
from mmavs.audio.audio_file import open_audio
from mmavs.audio.reading import read_recording
from mmavs.audio.suffixes import SOUND_SUFFIXES, VIDEO_SUFFIXES
from mmavs.utils.files import write_bytes

from .parallel import WorkerPool, default_workers

SUBTYPES = ('FLOAT', 'PCM_16')
SUFFIXES = (*SOUND_SUFFIXES, *VIDEO_SUFFIXES)
_CLOCK = 2  # tolerance in seconds, since file systems store times with different precision


class CopyJob(NamedTuple):
    """A recording to copy.

    Attributes:
        source: The recording.
        target: The copy, a WAV file.
        sample_rate: Sample rate of the copy in Hz.
        subtype: Sample format of the copy, one of ``SUBTYPES``.
        keep_channels: Keeps the channels of the recording. Otherwise they are averaged.
    """

    source: str
    target: str
    sample_rate: int
    subtype: str
    keep_channels: bool = False


class Copied(NamedTuple):
    """Result of a run.

    Attributes:
        written: Number of copies written by this run.
        kept: Number of copies that existed before.
        failed: (recording, reason) of the recordings that cannot be copied, in order.
    """

    written: int
    kept: int
    failed: list[tuple[str, str]]


def resample_folder(
    source: str,
    out: str,
    *,
    sample_rate: int = SAMPLE_RATE,
    subtype: str = 'FLOAT',
    keep_channels: bool = False,
    workers: int | None = None,
) -> Copied:
    """Copies all recordings below a folder as ``LoadAudio`` reads them: resampled, with averaged channels.

    The folder may contain sound files and videos. The audio of a video is copied unless there is a sound file of its
    name in the same folder.

    A copy has the relative path of its original, with the suffix ``.wav``. Copies with the subtype ``'FLOAT'`` give the
    same waveforms as the originals up to rounding; ``'PCM_16'`` takes half the space, rounds to 2**-15 and clips. A
    copy is kept if its original has not changed, so that an interrupted run resumes.

    Args:
        source: The folder.
        out: Folder for the copies; neither folder may contain the other.
        sample_rate: Sample rate of the copies in Hz.
        subtype: ``'FLOAT'`` or ``'PCM_16'``.
        keep_channels: Keeps the channels of mono and stereo recordings, for ``LoadAudio(keep_channels=True)``.
            Recordings with more channels fail.
        workers: Number of processes, None for one per CPU core.

    Raises:
        FileNotFoundError: ``source`` does not exist or has no recording.
        ValueError: An argument is out of range, one folder contains the other, or two recordings would have copies of
            the same name.
        OSError: A copy cannot be written; no incomplete file is left.
    """
    if subtype not in SUBTYPES:
        raise ValueError(f'--subtype must be one of {", ".join(SUBTYPES)}, got {subtype!r}')
    for name, value in (('--rate', sample_rate), ('--workers', workers)):
        if value is not None and value < 1:
            raise ValueError(f'{name} must be at least 1, got {value}')
    check_disjoint(source, out)
    job = CopyJob('', '', sample_rate, subtype, keep_channels)
    jobs = [job._replace(source=path, target=target) for path, target in _pairs(source, out)]
    written, failed = 0, []
    with WorkerPool(workers or default_workers()) as pool:
        results = pool.map(copy_recording, jobs, total=len(jobs), desc='Resampling')
        for job, (done, problem) in zip(jobs, results, strict=True):
            written += done
            if problem:
                failed.append((job.source, problem))
    return Copied(written, len(jobs) - written - len(failed), failed)


def copy_recording(job: CopyJob) -> tuple[bool, str]:
    """Copies a recording, unless its copy exists.

    Returns:
        True if it was written, and the reason if it cannot be copied, else ``''``.
    """
    try:
        before = os.stat(job.source)
        if _is_current(job, before):
            return False, ''
        waveform = read_recording(job.source, sample_rate=job.sample_rate, mono=not job.keep_channels)
    except OSError as error:
        return False, str(error)
    samples = waveform.numpy().T  # (samples,) or (samples, channels)
    if job.subtype == 'PCM_16':
        samples = (samples * 2**15).round().clip(-(2**15), 2**15 - 1).astype(np.int16)
    content = io.BytesIO()
    wavfile.write(content, job.sample_rate, samples)  # otherwise libsndfile stores the current time in the file
    write_bytes(job.target, content.getvalue())
    os.utime(job.target, ns=(before.st_atime_ns, before.st_mtime_ns))
    return True, ''


def _is_current(job: CopyJob, source: os.stat_result) -> bool:
    try:
        info = soundfile.info(job.target)
        channels = _count_channels(job.source) if job.keep_channels else 1
        same_time = abs(os.stat(job.target).st_mtime - source.st_mtime) < _CLOCK
    except (OSError, RuntimeError):
        return False
    return same_time and (info.samplerate, info.subtype, info.channels) == (job.sample_rate, job.subtype, channels)


def _count_channels(path: str) -> int:
    with open_audio(path) as f:
        return f.channels


def check_disjoint(source: str, out: str) -> None:
    """Raises an error if the source does not exist, or one folder contains the other."""
    if not os.path.isdir(source):
        raise FileNotFoundError(f'no such folder: {source}')
    folders = [os.path.realpath(source), os.path.realpath(out)]
    if os.path.commonpath(folders) in folders:
        raise ValueError(f'--out and {source} must not contain each other, got {out}')


def _pairs(source: str, out: str) -> list[tuple[str, str]]:
    """The recordings and their copies."""
    found = defaultdict(list)
    for path in _recordings(source):
        target = os.path.join(out, os.path.splitext(os.path.relpath(path, source))[0] + '.wav')
        found[target].append(path)
    if not found:
        raise FileNotFoundError(f'no recording ({", ".join(SUFFIXES)}) in {source}')
    for target, paths in found.items():
        sounds = [path for path in paths if path.lower().endswith(SOUND_SUFFIXES)]
        found[target] = paths = sounds if len(sounds) == 1 else paths  # a sound beside the video that it is from
        if len(paths) > 1:
            raise ValueError(f'{" and ".join(paths)} would have copies of the same name; rename one')
    return [(found[target][0], target) for target in sorted(found)]


def _recordings(folder: str) -> Iterator[str]:
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith('.'):
                yield os.path.join(root, name)

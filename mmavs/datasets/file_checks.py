"""Checks of single files, for the worker processes of :mod:`mmavs.datasets.checking`. Needs no torch."""

import hashlib
from typing import NamedTuple

import cv2
import numpy as np

from .audio_file import AudioFileError, open_audio, rate_ratio, read_frames
from .image_file import UNKNOWN_VALUE, TruncatedImageError, check_image_complete

_BLOCK = 1 << 16


class Finding(NamedTuple):
    """Something wrong with a file.

    Attributes:
        kind: In two or three words.
        path: The file.
        detail: What exactly.
        fatal: False where training goes on all the same.
    """

    kind: str
    path: str
    detail: str
    fatal: bool = True


class MaskJob(NamedTuple):
    """A mask to check.

    Attributes:
        path: The file.
        table: 256 bytes, class index of each value, see ``LoadAVAnnotations``; None where any value will do.
        classes: Index and name of the classes that must have pixels.
    """

    path: str
    table: bytes | None
    classes: tuple[tuple[int, str], ...]


class ImageJob(NamedTuple):
    """An image and the masks that belong to it."""

    path: str
    masks: tuple[MaskJob, ...]


class RecordingJob(NamedTuple):
    """A recording, and what a sample takes of it.

    Attributes:
        path: The file.
        seconds: Length of a clip.
        sample_rate: Of a clip, Hz.
    """

    path: str
    seconds: float
    sample_rate: int


class Checked(NamedTuple):
    """What a job found.

    Attributes:
        digest: Of the content of the image or recording; None where there is nothing to compare.
        findings: All that is wrong.
    """

    digest: str | None
    findings: list[Finding]


def check_file(job: ImageJob | RecordingJob) -> Checked:
    """Reads the files of a job to their end."""
    return check_image(job) if isinstance(job, ImageJob) else check_recording(job)


def check_image(job: ImageJob) -> Checked:
    """Decodes an image and its masks."""
    content, image, findings = _decode(job.path, 'image', cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    for mask in job.masks:
        findings += _check_mask(mask, None if image is None else image.shape[:2], job.path)
    return Checked(None if content is None else _digest(content), findings)


def _decode(path: str, what: str, flag: int) -> tuple[bytes | None, np.ndarray | None, list[Finding]]:
    try:
        with open(path, 'rb') as f:
            content = f.read()
        check_image_complete(content, path)
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flag) if content else None
    except FileNotFoundError:
        return None, None, [Finding(f'missing {what}', path, 'no such file')]
    except TruncatedImageError as error:
        return None, None, [Finding(f'truncated {what}', path, str(error))]
    except (OSError, cv2.error) as error:
        return None, None, [Finding(f'unreadable {what}', path, str(error).strip())]
    if pixels is None:
        return None, None, [Finding(f'unreadable {what}', path, 'not an image, or damaged')]
    return content, pixels, []


def _check_mask(job: MaskJob, size: tuple[int, ...] | None, image: str) -> list[Finding]:
    _, mask, findings = _decode(job.path, 'mask', cv2.IMREAD_UNCHANGED)
    if mask is None:
        return findings
    if mask.ndim != 2 or mask.dtype != np.uint8:
        return [Finding('wrong mask type', job.path, f'not one channel of 8 bits: {mask.shape}, {mask.dtype}')]
    if size is not None and mask.shape != size:
        detail = f'{mask.shape} (height, width), its image {image} {size}'
        findings.append(Finding('mask of another size', job.path, detail))
    if job.table is None:
        return findings
    values = np.flatnonzero(np.bincount(mask.ravel(), minlength=256))
    labels = np.frombuffer(job.table, np.uint8)[values]
    if unknown := values[labels == UNKNOWN_VALUE].tolist():
        detail = f'{unknown} belong to no class: is `class_file` of the dataset the one that made the masks?'
        findings.append(Finding('unknown mask values', job.path, detail))
    for index, name in job.classes:
        if index not in labels:
            findings.append(Finding('sounds without pixels', job.path, f'{name} sounds, but has no pixels'))
    return findings


def check_recording(job: RecordingJob) -> Checked:
    """Decodes a recording to its end."""
    try:
        with open_audio(job.path) as f:
            rate_ratio(f, job.sample_rate)
            peak = 0.0
            for start in range(0, f.frames, _BLOCK):
                frames = read_frames(f, start=start, count=min(_BLOCK, f.frames - start))
                peak = max(peak, float(np.abs(frames).max()))
            seconds = f.frames / f.samplerate
    except FileNotFoundError:
        return Checked(None, [Finding('missing recording', job.path, 'no such file')])
    except AudioFileError as error:
        return Checked(None, [Finding(f'{error.kind} recording', job.path, str(error))])
    except OSError as error:
        return Checked(None, [Finding('unreadable recording', job.path, str(error))])
    findings = []
    if seconds < job.seconds:
        detail = f'{seconds:.3f} s are repeated to fill {job.seconds:g} s'
        findings.append(Finding('short recording', job.path, detail, fatal=False))
    if peak == 0:
        findings.append(Finding('silent recording', job.path, 'every sample is 0', fatal=False))
        return Checked(None, findings)  # any two silent ones are equal, which tells nothing
    with open(job.path, 'rb') as f:
        return Checked(_digest(f.read()), findings)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()

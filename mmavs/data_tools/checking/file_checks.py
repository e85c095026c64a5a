"""Checks of single files, for the worker processes of :mod:`mmavs.datasets.checking`. Needs no torch."""

import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from mmavs.audio.audio_file import AudioFileError, open_audio, rate_ratio, read_frames
from mmavs.datasets.image_file import TruncatedImageError, check_image_complete
from mmavs.datasets.mask_file import DEFAULT_HINT, MaskError, mask_labels

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
        encoding: How it holds its values, one of ``MASK_ENCODINGS``.
        hint: What to do about unknown values, for messages.
    """

    path: str
    table: bytes | None
    classes: tuple[tuple[int, str], ...]
    encoding: str = 'index'
    hint: str = DEFAULT_HINT


class ImageJob(NamedTuple):
    """An image and the masks that belong to it."""

    path: str
    masks: tuple[MaskJob, ...]


class RecordingJob(NamedTuple):
    """A recording, and what a sample takes of it.

    Attributes:
        path: The file.
        seconds: Length of what a sample takes.
        sample_rate: Of it, Hz.
        start: Where the last sample's begins, in seconds; None where all take the middle.
    """

    path: str
    seconds: float
    sample_rate: int
    start: float | None = None


class Checked(NamedTuple):
    """What a job found.

    Attributes:
        digest: Of the content of the image or recording; None where there is nothing to compare.
        findings: All that is wrong.
        labels: Class indices that each mask of an image holds, by its path, of those that can be read.
    """

    digest: str | None
    findings: list[Finding]
    labels: dict[str, tuple[int, ...]] = {}


def check_file(job: ImageJob | RecordingJob) -> Checked:
    """Reads the files of a job to their end."""
    return check_image(job) if isinstance(job, ImageJob) else check_recording(job)


def check_image(job: ImageJob) -> Checked:
    """Decodes an image and its masks."""
    content, image, findings = _decode(job.path, 'image', _decode_image)
    labels = {}
    for mask in job.masks:
        found = _check_mask(mask, None if image is None else image.shape[:2], job.path)
        findings += found.findings
        labels |= found.labels
    return Checked(None if content is None else _digest(content), findings, labels)


def _decode_image(content: bytes) -> np.ndarray | None:
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def _decode_mask(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:  # unlike OpenCV it gives the indices of a PNG with a colour table
        return np.asarray(image)


def _decode_colors(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert('RGB'))


def _decode(
    path: str, what: str, decoder: Callable[[bytes], np.ndarray | None]
) -> tuple[bytes | None, np.ndarray | None, list[Finding]]:
    try:
        with open(path, 'rb') as f:
            content = f.read()
        check_image_complete(content, path)
        pixels = decoder(content)
    except FileNotFoundError:
        return None, None, [Finding(f'missing {what}', path, 'no such file')]
    except TruncatedImageError as error:
        return None, None, [Finding(f'truncated {what}', path, str(error))]
    except (OSError, SyntaxError, ValueError, zlib.error, cv2.error) as error:  # Pillow has no error of its own
        return None, None, [Finding(f'unreadable {what}', path, str(error).strip())]
    if pixels is None:
        return None, None, [Finding(f'unreadable {what}', path, 'not an image, or damaged')]
    return content, pixels, []


def _check_mask(job: MaskJob, size: tuple[int, ...] | None, image: str) -> Checked:
    decoder = _decode_colors if job.encoding == 'color' else _decode_mask
    _, pixels, findings = _decode(job.path, 'mask', decoder)
    if pixels is None:
        return Checked(None, findings)
    if size is not None and pixels.shape[:2] != size:
        detail = f'{pixels.shape[:2]} (height, width), its image {image} {size}'
        findings.append(Finding('mask of another size', job.path, detail))
    table = None if job.table is None else np.frombuffer(job.table, np.uint8)
    try:
        mask = mask_labels(pixels, job.path, table=table, encoding=job.encoding, hint=job.hint)
    except MaskError as error:
        findings.append(Finding(error.kind, job.path, str(error)))
        return Checked(None, findings)
    labels = tuple(np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist())
    for index, name in job.classes:
        if index not in labels:
            findings.append(Finding('sounds without pixels', job.path, f'{name} sounds, but has no pixels'))
    return Checked(None, findings, {job.path: labels})


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
    findings = list(_check_length(job, seconds))
    if peak == 0:
        findings.append(Finding('silent recording', job.path, 'every sample is 0', fatal=False))
        return Checked(None, findings)  # any two silent ones are equal, which tells nothing
    with open(job.path, 'rb') as f:
        return Checked(_digest(f.read()), findings)


def _check_length(job: RecordingJob, seconds: float) -> Iterator[Finding]:
    """Whether a recording of ``seconds`` has all that the samples take, as ``read_clip`` does."""
    if job.start is None:
        if seconds < job.seconds:
            detail = f'{seconds:.3f} s are repeated to fill {job.seconds:g} s'
            yield Finding('short recording', job.path, detail, fatal=False)
        return
    end = job.start + job.seconds
    if seconds < end - job.seconds / 2:
        detail = f"has {seconds:.3f} s, its frames need {end:g} s; LoadAudio(missing='silence') makes do with it"
        yield Finding('too short recording', job.path, detail)
    elif round(seconds * job.sample_rate) < round(end * job.sample_rate):
        detail = f'has {seconds:.3f} s, of the {end:g} s of its frames the rest is silence'
        yield Finding('short recording', job.path, detail, fatal=False)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()

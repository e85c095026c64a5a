"""Checks of single files, for the worker processes of a check."""

import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from mmavs.audio.audio_file import AudioFileError, open_audio, rate_ratio, read_frames
from mmavs.audio.excerpt import middle_start
from mmavs.audio.silence import SILENT_PEAK, is_silent
from mmavs.datasets.image_file import TruncatedImageError, check_image_complete
from mmavs.datasets.label_table import IGNORE_INDEX
from mmavs.datasets.mask_file import DEFAULT_HINT, MaskError, mask_labels

FEW_PIXELS = 20
"""A class with fewer pixels in a mask is reported: it may be stray pixels, which add a sounding class."""
_BLOCK = 1 << 16


class Finding(NamedTuple):
    """A problem of a file.

    Attributes:
        kind: The problem in two or three words.
        path: The file.
        detail: Complete description.
        fatal: False if the file can be used nevertheless.
    """

    kind: str
    path: str
    detail: str
    fatal: bool = True


class MaskJob(NamedTuple):
    """A mask to check.

    Attributes:
        path: The file.
        table: 256 bytes, class index of each value, see ``LoadAVAnnotations``; None if all values are allowed.
        sounding: Indices of the classes that must have pixels.
        names: Class names.
        encoding: Encoding of the values, one of ``MASK_ENCODINGS``.
        hint: Remedy for unknown values, for messages.
    """

    path: str
    table: bytes | None
    sounding: tuple[int, ...]
    names: tuple[str, ...]
    encoding: str = 'index'
    hint: str = DEFAULT_HINT


class ImageJob(NamedTuple):
    """An image and its masks."""

    path: str
    masks: tuple[MaskJob, ...]


class AudioUse(NamedTuple):
    """Part of a recording that samples use.

    Attributes:
        seconds: Length of the part that a sample takes.
        sample_rate: Sample rate of the model in Hz.
        loudest: True if the part is the loudest of the recording; otherwise it is the middle.
        keep_channels: True if stereo recordings keep their channels.
        start: Start of the last part in seconds; None if samples do not define it.
    """

    seconds: float
    sample_rate: int
    loudest: bool = False
    keep_channels: bool = False
    start: float | None = None

    def at(self, start: float | None) -> 'AudioUse':
        """A copy with another start."""
        return self._replace(start=start)

    def union(self, other: 'AudioUse | None') -> 'AudioUse':
        """The part that covers both."""
        if other is None:
            return self
        starts = [s for s in (self.start, other.start) if s is not None]
        return AudioUse(
            max(self.seconds, other.seconds),
            max(self.sample_rate, other.sample_rate),
            self.loudest or other.loudest,
            self.keep_channels or other.keep_channels,
            max(starts, default=None),
        )

    def frames(self, number: int, rate: int) -> tuple[int, int]:
        """First frame and number of frames of the used part in a recording of ``number`` frames at ``rate`` Hz."""
        if self.start is not None:
            return 0, min(number, round((self.start + self.seconds) * rate))
        count = min(number, round(self.seconds * rate))
        return (0, number) if self.loudest else (middle_start(number, count), count)


class RecordingJob(NamedTuple):
    """A recording to check."""

    path: str
    use: AudioUse


class Checked(NamedTuple):
    """Result of a job.

    Attributes:
        digest: Hash of the content of the image or recording; None if it is not to be compared.
        findings: All problems.
        labels: Class indices in each readable mask of an image, by path.
    """

    digest: str | None
    findings: list[Finding]
    labels: dict[str, tuple[int, ...]] = {}


def check_file(job: ImageJob | RecordingJob) -> Checked:
    """Reads the files of a job completely."""
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
    with Image.open(io.BytesIO(content)) as image:  # unlike OpenCV, Pillow returns the indices of a PNG with a palette
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
    except (OSError, SyntaxError, ValueError, zlib.error, cv2.error) as error:  # Pillow raises several types
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
    counts = np.bincount(mask.ravel(), minlength=256)
    labels = tuple(np.flatnonzero(counts).tolist())
    for index in job.sounding:
        if index not in labels:
            detail = f'{job.names[index]} is a sounding class, but has no pixels'
            findings.append(Finding('sounding class without pixels', job.path, detail))
    few = [i for i in labels if i not in (0, IGNORE_INDEX) and counts[i] < FEW_PIXELS]
    if few:
        names = [f'{job.names[i] if i < len(job.names) else f"value {i}"} has {counts[i]}' for i in few]
        detail = f'fewer than {FEW_PIXELS} pixels of a class: {", ".join(names)}'
        findings.append(Finding('class with few pixels', job.path, detail, fatal=False))
    return Checked(None, findings, {job.path: labels})


def check_recording(job: RecordingJob) -> Checked:
    """Decodes a recording completely."""
    use = job.use
    try:
        with open_audio(job.path) as f:
            rate_ratio(f, use.sample_rate)
            if use.keep_channels and f.channels > 2:
                detail = f'has {f.channels} channels; LoadAudio(keep_channels=True) accepts one or two'
                return Checked(None, [Finding('too many channels in recording', job.path, detail)])
            peak = 0.0
            for start in range(0, f.frames, _BLOCK):
                frames = read_frames(f, start=start, count=min(_BLOCK, f.frames - start))
                peak = max(peak, float(np.abs(frames).max()))
            seconds = f.frames / f.samplerate
            start, count = use.frames(f.frames, f.samplerate)
            used = read_frames(f, start=start, count=count).T
    except FileNotFoundError:
        return Checked(None, [Finding('missing recording', job.path, 'no such file')])
    except AudioFileError as error:
        return Checked(None, [Finding(f'{error.kind} recording', job.path, str(error))])
    except OSError as error:
        return Checked(None, [Finding('unreadable recording', job.path, str(error))])
    findings = list(_check_length(job, seconds))
    if is_silent(used if use.keep_channels else used.mean(0)):
        begin = start / f.samplerate
        detail = (
            f'seconds {begin:.3f} to {begin + count / f.samplerate:.3f}, which samples use, have a peak below '
            f'{SILENT_PEAK:.1e} after their mean is subtracted'
        )
        findings.append(Finding('silent recording', job.path, detail, fatal=False))
    if peak == 0:
        return Checked(None, findings)  # silent recordings are equal although they have different sources
    with open(job.path, 'rb') as f:
        return Checked(_digest(f.read()), findings)


def _check_length(job: RecordingJob, seconds: float) -> Iterator[Finding]:
    """Checks the length of a recording, in seconds, as ``read_clip`` does."""
    use = job.use
    if use.start is None:
        if seconds < use.seconds:
            detail = f'{seconds:.3f} s are repeated to fill {use.seconds:g} s'
            yield Finding('short recording', job.path, detail, fatal=False)
        return
    end = use.start + use.seconds
    if seconds < end - use.seconds / 2:
        detail = f"has {seconds:.3f} s, its frames need {end:g} s; LoadAudio(missing='silence') accepts it"
        yield Finding('too short recording', job.path, detail)
    elif round(seconds * use.sample_rate) < round(end * use.sample_rate):
        detail = f'has {seconds:.3f} s; the rest of the {end:g} s of its frames is silence'
        yield Finding('short recording', job.path, detail, fatal=False)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()

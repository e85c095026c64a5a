"""Copies of clips with other audio, for the worker processes."""

import io
import os
from typing import NamedTuple

from scipy.io import wavfile

from mmavs.audio import SAMPLE_RATE, seconds_to_samples
from mmavs.audio.reading import read_clip
from mmavs.utils.files import place_file, write_bytes


class ClipJob(NamedTuple):
    """A clip to make.

    Attributes:
        files: (source, target) of its frames and masks.
        copy_mode: See :func:`place_file`.
        recording: The recording that becomes its audio.
        audio: Path of its audio file.
        seconds: Length of its audio.
    """

    files: tuple[tuple[str, str], ...]
    copy_mode: str
    recording: str
    audio: str
    seconds: float


def make_clip(job: ClipJob) -> bool:
    """Places the frames and masks of a clip and writes its audio; returns False if the audio existed already."""
    for source, target in job.files:
        if not os.path.isfile(source):
            raise FileNotFoundError(f'{source} does not exist; check_avsbench.py lists all missing files')
        place_file(source, target, job.copy_mode)
    if os.path.isfile(job.audio):
        return False
    waveform = read_clip(job.recording, num_samples=seconds_to_samples(job.seconds))
    content = io.BytesIO()
    wavfile.write(content, SAMPLE_RATE, waveform.numpy())  # otherwise libsndfile stores the current time in the file
    write_bytes(job.audio, content.getvalue())
    return True

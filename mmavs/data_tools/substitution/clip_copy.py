"""Copies of clips with other sounds, for the worker processes of ``audio_substitution.py``. Needs no mmseg."""

import io
import os
from multiprocessing import parent_process
from typing import NamedTuple

import torch
from scipy.io import wavfile

from mmavs.audio import SAMPLE_RATE, seconds_to_samples
from mmavs.audio.reading import read_clip
from mmavs.utils.files import place_file, write_bytes


class ClipJob(NamedTuple):
    """A clip to make.

    Attributes:
        files: (source, target) of its frames and masks.
        copy_mode: For these.
        recording: Its new sound.
        audio: Where that goes.
        seconds: How much of it.
    """

    files: tuple[tuple[str, str], ...]
    copy_mode: str
    recording: str
    audio: str
    seconds: float


def make_clip(job: ClipJob) -> bool:
    """Places the frames and masks of a clip and writes its sound; returns whether that was not there."""
    for source, target in job.files:
        if not os.path.isfile(source):
            raise FileNotFoundError(f'{source} does not exist; check_avsbench.py lists all that is missing')
        place_file(source, target, job.copy_mode)
    if os.path.isfile(job.audio):
        return False
    if parent_process() is not None:  # a worker, one of several
        torch.set_num_threads(1)
    waveform = read_clip(job.recording, num_samples=seconds_to_samples(job.seconds))
    content = io.BytesIO()
    wavfile.write(content, SAMPLE_RATE, waveform.numpy())  # libsndfile would put the time of writing into the file
    write_bytes(job.audio, content.getvalue())
    return True

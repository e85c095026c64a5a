import os
import os.path as osp
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from typing import NamedTuple

import cv2
import numpy as np
import soundfile
from mmengine.dataset import pseudo_collate

from mmavs.models.attention_maps import attention_maps
from mmavs.visualization.attention_picture import draw_heat_map, draw_scale

from ..inferencer import AVSegInferencer
from ..input_pipeline import Sample
from ..pictures import load_picture
from ..prediction import SoundingClass
from .examples import EXAMPLE
from .limits import Limits

_WIDTH = 640  # minimum width of an overlay
_VIDEO_FPS = 8
SECONDS_KEPT = 3600
"""Files of the page are removed after this time."""


class PictureAnswer(NamedTuple):
    """Results for a picture.

    Attributes:
        sounding: The sounding classes, empty if there are none.
        overlay: RGB, uint8, (height, width, 3).
        attention: The mean attention map over the picture, with its scale; RGB as above.
        sound: Path of a WAV file with the audio input of the network, after panning, muting and cropping.
    """

    sounding: list[SoundingClass]
    overlay: np.ndarray
    attention: np.ndarray
    sound: str


class VideoAnswer(NamedTuple):
    """Results for a video.

    Attributes:
        frames: Number of segmented frames.
        sounding: Class name -> number of frames in which it sounds.
        overlay: Path of the overlay video, with the sound.
    """

    frames: int
    sounding: dict[str, int]
    overlay: str


class WebService:
    """Processes the requests of the web page one at a time, with files in a separate folder.

    Args:
        inferencer: The network.
        folder: Folder for all files of the page.
        limits: Limits of uploads.
    """

    def __init__(self, inferencer: AVSegInferencer, folder: str, limits: Limits | None = None) -> None:
        self.inferencer = inferencer
        self.folder = osp.realpath(folder)
        self.limits = limits or Limits()
        self._lock = threading.Lock()

    @property
    def stereo(self) -> bool:
        """True if the network takes stereo audio."""
        return self.inferencer.pipeline.load_audio.channels == 2

    def segment_picture(
        self, picture: str | None, sound: str | None, *, position: float = 0.5, muted: bool = False
    ) -> PictureAnswer:
        """Segments a picture with a sound.

        Args:
            picture: Path.
            sound: Path. It may be missing if ``muted``.
            position: Position of the sound, from 0 (left) to 1 (right), for networks of stereo audio.
            muted: Replaces the audio by silence.

        Raises:
            ValueError, OSError: A file is missing, exceeds the limits or cannot be read.
        """
        self.remove_old_files()
        if not picture:
            raise ValueError('choose a picture')
        if not sound and not muted:
            raise ValueError('choose a sound, or mute')
        self.limits.check_picture(picture)
        sources = [] if muted else [dict(audio_path=sound, position=float(position))]
        if not muted:
            self.limits.check_sound(sound)
        image = load_picture(picture)
        sample = Sample(image, sources=sources)
        with self._lock:
            _, packed = self.inferencer.pipeline(sample)
            result = self.inferencer(image, sources, show_classes=None)
            attention = self._mean_attention(packed)
        scale = max(1.0, _WIDTH / image.shape[1])
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        large = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
        mask = cv2.resize(result['predictions'], size, interpolation=cv2.INTER_NEAREST)
        low, high = float(attention.min()), float(attention.max())
        heat = draw_heat_map(np.ascontiguousarray(large[..., ::-1]), attention, low, high)
        return PictureAnswer(
            sounding=result['sounding'],
            overlay=self.inferencer.draw_frame(large, mask),
            attention=np.concatenate([heat, draw_scale(low, high, size[0], size=18)]),
            sound=self._write_sound(packed['inputs']['audio'].numpy()),
        )

    def segment_video(self, video: str | None) -> VideoAnswer:
        """Segments a video with its audio, at a few frames per second.

        Raises:
            ValueError, OSError: The file is missing, exceeds the limits or cannot be read.
        """
        self.remove_old_files()
        if not video:
            raise ValueError('choose a video')
        self.limits.check_video(video)
        folder = tempfile.mkdtemp(dir=self.folder)
        try:
            with self._lock:
                done = self.inferencer.process_videos(video, folder, fps=_VIDEO_FPS, pred_out_dir='')
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return VideoAnswer(done['frames'], done['sounding'], done['visualization'][0])

    def remove_old_files(self) -> None:
        """Removes uploads and results that are older than :data:`SECONDS_KEPT`; examples stay."""
        oldest = time.time() - SECONDS_KEPT
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = osp.join(folder, name)
                if not name.startswith(EXAMPLE) and osp.getmtime(path) < oldest:
                    with suppress(FileNotFoundError):
                        os.unlink(path)

    def _mean_attention(self, packed: dict) -> np.ndarray:
        """(h, w): the mean over the heads of the first fused level."""
        model = self.inferencer.model
        data = model.data_preprocessor(pseudo_collate([packed]), False)
        return attention_maps(model, **data)[0].heads[0].mean(dim=0).float().cpu().numpy()

    def _write_sound(self, audio: np.ndarray) -> str:
        """A WAV file of audio (channels, samples)."""
        handle, path = tempfile.mkstemp('.wav', 'sound-', self.folder)
        os.close(handle)
        soundfile.write(path, np.clip(audio.T, -1, 1), self.inferencer.sample_rate)
        return path

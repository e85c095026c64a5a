import os
from dataclasses import dataclass

from PIL import Image

from mmavs.audio.audio_file import open_audio

from ..video_reader import VideoReader

_MEGA = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Limits of uploads.

    Attributes:
        megabytes: Size of a file.
        megapixels: Pixels of a picture, or of a frame of a video.
        sound_seconds: Length of a sound.
        video_seconds: Length of a video.
    """

    megabytes: float = 20
    megapixels: float = 25
    sound_seconds: float = 120
    video_seconds: float = 30

    def check_picture(self, path: str) -> None:
        """Raises a ValueError if a picture is too large. Files that are not pictures raise an error in decoding."""
        self._check_size(path, 'picture')
        try:
            with Image.open(path) as image:
                width, height = image.size
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            if isinstance(error, Image.DecompressionBombError):
                raise ValueError(f'the picture has too many pixels, at most {self.megapixels:g} million') from error
            return
        self._check_pixels(width, height, 'picture')

    def check_sound(self, path: str) -> None:
        """Raises a ValueError if a sound is too long or large, and an AudioFileError if it cannot be read."""
        self._check_size(path, 'sound')
        with open_audio(path) as f:
            seconds = f.frames / f.samplerate
        self._check_length(seconds, self.sound_seconds, 'sound')

    def check_video(self, path: str) -> None:
        """Raises a ValueError if a video is too long or large, and a VideoError if it cannot be read."""
        self._check_size(path, 'video')
        with VideoReader(path) as reader:
            frames = reader.expected_frames
            if frames is not None:
                self._check_length(frames / reader.rate, self.video_seconds, 'video')
            for frame in reader:
                self._check_pixels(*frame.image.shape[1::-1], 'video')
                break

    def _check_size(self, path: str, what: str) -> None:
        size = os.path.getsize(path)
        if size > self.megabytes * _MEGA:
            raise ValueError(f'the {what} has {size / _MEGA:.1f} MB, at most {self.megabytes:g} MB are allowed')

    def _check_pixels(self, width: int, height: int, what: str) -> None:
        if width * height > self.megapixels * _MEGA:
            raise ValueError(
                f'the {what} has {width} x {height} pixels, at most {self.megapixels:g} million are allowed'
            )

    @staticmethod
    def _check_length(seconds: float, most: float, what: str) -> None:
        if seconds > most:
            raise ValueError(f'the {what} is {seconds:.1f} s long, at most {most:g} s are allowed: cut it')

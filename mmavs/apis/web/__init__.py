"""The web page: choose a picture and a sound, or a short video, and see what sounds. Needs the extra ``web``."""

from .limits import Limits
from .service import PictureAnswer, VideoAnswer, WebService

__all__ = ['Limits', 'PictureAnswer', 'VideoAnswer', 'WebService']

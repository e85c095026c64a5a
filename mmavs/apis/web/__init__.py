"""A web page that segments a picture with audio, or a short video. Needs the extra ``web``."""

from .limits import Limits
from .service import PictureAnswer, VideoAnswer, WebService

__all__ = ['Limits', 'PictureAnswer', 'VideoAnswer', 'WebService']

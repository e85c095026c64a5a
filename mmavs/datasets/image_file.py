"""Detection of truncated image files. Does not need torch."""

import re

FILE_REMEDY = 'Fetch it again or remove it from the annotation file.'
"""Remedy for an image or mask that cannot be used, for messages."""

_JPEG_MARKER = re.compile(rb'\xff[^\x00\xff]')
_SCAN, _END = b'\xff\xda', b'\xff\xd9'


class TruncatedImageError(OSError):
    """An image file is incomplete; the message names it."""


def check_image_complete(content: bytes, path: str) -> None:
    """Raises an error for an incomplete JPEG or PNG file. Decoders would fill the missing part with gray.

    Raises:
        TruncatedImageError: The end marker is missing.
        OSError: The file is empty.
    """
    if not content:
        raise OSError(f'cannot decode image {path}: the file is empty. {FILE_REMEDY}')
    if content[:2] == b'\xff\xd8':
        complete = _jpeg_ends(content)
    elif content[:4] == b'\x89PNG':
        complete = b'IEND\xaeB`\x82' in content  # the last chunk with its checksum
    else:
        return
    if not complete:
        raise TruncatedImageError(f'image is truncated: {path} ({len(content)} bytes). {FILE_REMEDY}')


def _jpeg_ends(content: bytes) -> bool:
    """True if the end marker follows the pixel data of a JPEG; the marker cannot occur within the pixel data.

    The segments before the pixel data may contain a complete JPEG, such as a thumbnail. Any data may follow the marker.
    """
    position = 2
    while marker := _JPEG_MARKER.search(content, position):
        position = marker.end()
        if marker[0] == _SCAN:
            return content.rfind(_END) >= position
        position += int.from_bytes(content[position : position + 2], 'big')
    return False

"""What image and mask files must be. Needs no torch."""

UNKNOWN_VALUE = 254
"""Marks, in a label table, the mask values that the dataset does not know."""


class TruncatedImageError(OSError):
    """An image file that ends early; the message names it."""


def check_image_complete(content: bytes, path: str) -> None:
    """Refuses a JPEG or PNG that ends early; decoders fill the rest with grey and go on.

    Raises:
        TruncatedImageError: The end marker is missing.
    """
    if content[:2] == b'\xff\xd8':
        # Inside the compressed data an end marker can't occur, so the last one must follow the last start of scan.
        complete = content.rfind(b'\xff\xd9') > content.rfind(b'\xff\xda')
    elif content[:4] == b'\x89PNG':
        complete = b'IEND\xaeB`\x82' in content  # the last chunk with its checksum
    else:
        return
    if not complete:
        raise TruncatedImageError(
            f'image is truncated: {path} ({len(content)} bytes). Fetch it again or take it out of the annotation file.'
        )

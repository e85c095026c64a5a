"""Detection of transforms that move the objects of a sample without its audio."""

from collections.abc import Iterable
from typing import Any

from .nesting import flatten, name_of

_ROTATING = ('RandomRotFlip', 'BioMedical3DRandomFlip')
_ALBUMENTATIONS = ('HorizontalFlip', 'Flip', 'Transpose', 'RandomRotate90', 'D4', 'SquareSymmetry')
_MAX_DEGREES = 45
"""Beyond this angle, the place of an object from left to right depends more on its former row than its column."""


def check_mirroring(pipeline: Iterable[Any]) -> None:
    """Raises an error for mosaics, and for transforms that mirror or rotate the image but not stereo audio.

    Rotations by up to 45 degrees are accepted, since they change the side only of objects near the center.

    Args:
        pipeline: Transforms, as built.

    Raises:
        ValueError: There is such a transform; the message names it and the remedy.
    """
    transforms = list(flatten(pipeline))
    loads = [t for t in transforms if name_of(t) == 'LoadAudio' and not t.silent]
    if not loads:
        return
    for transform in transforms:
        if name_of(transform) == 'RandomMosaic' and transform.prob:
            raise ValueError(
                'RandomMosaic combines the images of several samples and has the audio of one: objects of the others '
                'would be labeled as sounding. Remove it, or train without audio, LoadAudio(silent=True).'
            )
    if all(t.channels != 2 for t in loads):
        return
    for transform in transforms:
        name = name_of(transform)
        if name == 'RandomRotate' and transform.prob and max(map(abs, transform.degree)) > _MAX_DEGREES:
            raise ValueError(
                f'RandomRotate rotates the image by up to {max(map(abs, transform.degree)):g} degrees but not the '
                f'channels of stereo audio. Set degree to {_MAX_DEGREES} or less, or use mono audio, '
                'LoadAudio(channels=1).'
            )
        if _mirrors(transform):
            raise ValueError(
                f'{name} mirrors the image but not the channels of stereo audio. Use AVRandomFlip instead; '
                'for rotations by a few degrees add RandomRotate. With mono audio, LoadAudio(channels=1), '
                f'{name} can be used.'
            )


def _mirrors(transform: Any) -> bool:
    name = name_of(transform)
    if name == 'RandomFlip':
        directions = [transform.direction] if isinstance(transform.direction, str) else transform.direction
        shares = transform.prob if isinstance(transform.prob, list) else [transform.prob] * len(directions)
        return any(d != 'vertical' and share for d, share in zip(directions, shares, strict=False))
    return name in _ROTATING or (isinstance(transform, dict) and name in _ALBUMENTATIONS)

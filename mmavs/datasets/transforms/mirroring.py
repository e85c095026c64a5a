"""Detection of transforms that mirror or rotate the image of a stereo sample without its audio."""

from collections.abc import Iterable, Iterator
from typing import Any

_ROTATING = ('RandomRotFlip', 'BioMedical3DRandomFlip')
_ALBUMENTATIONS = ('HorizontalFlip', 'Flip', 'Transpose', 'RandomRotate90', 'D4', 'SquareSymmetry')


def check_mirroring(pipeline: Iterable[Any]) -> None:
    """Refuses transforms that mirror the image and not the channels of stereo audio.

    Args:
        pipeline: Transforms, as built.

    Raises:
        ValueError: Names the transform and the one to use instead.
    """
    transforms = list(_flatten(pipeline))
    if not any(_name(t) == 'LoadAudio' and t.channels == 2 and not t.silent for t in transforms):
        return
    for transform in transforms:
        if _mirrors(transform):
            raise ValueError(
                f'{_name(transform)} mirrors the image and not the channels of stereo audio. Use AVRandomFlip instead; '
                'for rotations by a few degrees add RandomRotate. With mono audio, LoadAudio(channels=1), '
                f'{_name(transform)} can be used.'
            )


def _flatten(transforms: Iterable[Any]) -> Iterator[Any]:
    """All transforms with those inside of others: RandomChoice, RandomApply, TestTimeAug, Albu, ..."""
    for transform in transforms:
        if isinstance(transform, (list, tuple)):
            yield from _flatten(transform)
            continue
        yield transform
        for name in ('transforms', 'subroutines'):
            inner = transform.get(name) if isinstance(transform, dict) else getattr(transform, name, None)
            if isinstance(inner, (list, tuple)):
                yield from _flatten(inner)
            elif inner is not None:  # a Compose
                yield from _flatten([inner])


def _name(transform: Any) -> str:
    """Class name of a transform, or of the config of one of albumentations."""
    return str(transform.get('type')) if isinstance(transform, dict) else type(transform).__name__


def _mirrors(transform: Any) -> bool:
    name = _name(transform)
    if name == 'RandomFlip':
        directions = [transform.direction] if isinstance(transform.direction, str) else transform.direction
        shares = transform.prob if isinstance(transform.prob, list) else [transform.prob] * len(directions)
        return any(d != 'vertical' and share for d, share in zip(directions, shares, strict=False))
    return name in _ROTATING or (isinstance(transform, dict) and name in _ALBUMENTATIONS)

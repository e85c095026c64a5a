"""Detection of crops whose position in the image is not passed to the model."""

from collections.abc import Iterable
from typing import Any

from .nesting import flatten, name_of

_CROPS = ('RandomCrop', 'CenterCrop')


def check_crop_windows(pipeline: Iterable[Any]) -> None:
    """Raises an error for crops that do not record their position, for a model with ``fusion.coordinates='image'``.

    Args:
        pipeline: Transforms, as built.

    Raises:
        ValueError: There is such a crop; the message names the transform and the remedy.
    """
    transforms = list(flatten(pipeline))
    for transform in transforms:
        name = name_of(transform)
        if name in _CROPS or (isinstance(transform, dict) and 'Crop' in name):
            raise ValueError(
                f"model.fusion.coordinates='image' needs the position of each crop in its image, which {name} does not "
                "record: use AVRandomCrop, with the same arguments as RandomCrop, or set coordinates='input'"
            )
        if name == 'PackAVSegInputs' and 'crop_window' not in transform.meta_keys and _has_crop(transforms):
            raise ValueError(
                "model.fusion.coordinates='image' needs the position of each crop in its image: add 'crop_window' to "
                'meta_keys of PackAVSegInputs, or leave meta_keys at its default'
            )


def _has_crop(transforms: Iterable[Any]) -> bool:
    return any(name_of(t) == 'AVRandomCrop' for t in transforms)

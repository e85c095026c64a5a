"""All transforms of a dataset, including nested transforms and those of dataset wrappers."""

from collections.abc import Iterable, Iterator
from typing import Any


def flatten(transforms: Iterable[Any]) -> Iterator[Any]:
    """All transforms, including those nested in others: RandomChoice, RandomApply, KeyMapper, TestTimeAug, Albu, ...

    Args:
        transforms: Transforms, as built. Those of albumentations are dicts.
    """
    for transform in transforms:
        if isinstance(transform, (list, tuple)):
            yield from flatten(transform)
            continue
        yield transform
        for name in ('transforms', 'subroutines'):
            inner = transform.get(name) if isinstance(transform, dict) else getattr(transform, name, None)
            if isinstance(inner, (list, tuple)):
                yield from flatten(inner)
            elif inner is not None:  # a Compose
                yield from flatten([inner])


def list_pipelines(dataset: Any, outer: tuple = ()) -> Iterator[list[Any]]:
    """The transforms that are applied to the samples of each innermost dataset, in order.

    Args:
        dataset: A dataset, or a wrapper of one (``dataset``) or of several (``datasets``), which may have its
            own ``pipeline``, such as mmseg's ``MultiImageMixDataset``.
        outer: Transforms after those of ``dataset``.
    """
    pipeline = getattr(dataset, 'pipeline', None)
    transforms = (*flatten([] if pipeline is None else [pipeline]), *outer)
    inner = getattr(dataset, 'datasets', None) or [d for d in [getattr(dataset, 'dataset', None)] if d is not None]
    for part in inner:
        yield from list_pipelines(part, transforms)
    if not inner:
        yield list(transforms)


def name_of(transform: Any) -> str:
    """Class name of a transform, or of an albumentations transform given as a config."""
    return str(transform.get('type')) if isinstance(transform, dict) else type(transform).__name__

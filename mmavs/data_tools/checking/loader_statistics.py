"""Statistics of the samples of a data loader."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mmavs.datasets.label_table import IGNORE_INDEX


class Sample(NamedTuple):
    """The properties of a record that the statistics use.

    Attributes:
        mask: The mask file, or None.
        names: Class names of its dataset, background first.
        clip: The video of the frame, or None.
        category: Category of this video, or None.
        sounding: Names of the classes of its sources.
    """

    mask: str | None
    names: Sequence[str]
    clip: str | None
    category: str | None
    sounding: frozenset[str]


class LoaderStatistics(NamedTuple):
    """Statistics of the samples of a data loader.

    Attributes:
        samples: Number of samples.
        clips: Number of videos, 0 for single images.
        annotated: Number of samples with a readable mask.
        empty: Number of annotated samples without foreground.
        classes: Number of annotated samples with pixels of a class, by class name without background.
        categories: Number of videos by category, if the annotation has categories.
        ignored: Number of annotated samples with pixels to ignore.
    """

    samples: int
    clips: int
    annotated: int
    empty: int
    classes: dict[str, int]
    categories: dict[str, int]
    ignored: int = 0


def present_classes(samples: Sequence[Sample], labels: dict[str, tuple[int, ...]]) -> set[str]:
    """Names of the classes with pixels, and of the sounding classes, of all samples.

    Args:
        samples: The samples.
        labels: Class indices of each mask.
    """
    return {name for s in samples for name in (*_shown_classes(s, labels), *s.sounding)}


def _shown_classes(sample: Sample, labels: dict[str, tuple[int, ...]]) -> list[str]:
    """Names of the classes in the sample's mask, without background."""
    return [sample.names[label] for label in labels.get(sample.mask, ()) if 0 < label < len(sample.names)]


def loader_statistics(samples: Sequence[Sample], labels: dict[str, tuple[int, ...]]) -> LoaderStatistics:
    """Counts the classes of the samples; arguments as in :func:`present_classes`."""
    classes = {name: 0 for s in samples for name in s.names[1:]}
    annotated = empty = ignored = 0
    for sample in samples:
        if sample.mask not in labels:
            continue
        annotated += 1
        found = _shown_classes(sample, labels)
        empty += not found
        ignored += IGNORE_INDEX in labels[sample.mask]
        for name in found:
            classes[name] += 1
    clips = {s.clip: s.category for s in samples if s.clip}
    categories = Counter(category for category in clips.values() if category)
    return LoaderStatistics(
        len(samples), len(clips), annotated, empty, classes, dict(sorted(categories.items())), ignored
    )

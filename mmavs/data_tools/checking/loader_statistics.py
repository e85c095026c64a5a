"""What the samples of a data loader hold."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Sample(NamedTuple):
    """What the statistics need of a record.

    Attributes:
        mask: The file, None where there is none.
        names: Of the classes of its dataset, background first.
        clip: The video that it is a frame of.
        category: Of this video.
        sounding: Names of the classes of its sources.
    """

    mask: str | None
    names: Sequence[str]
    clip: str | None
    category: str | None
    sounding: frozenset[str]


class LoaderStatistics(NamedTuple):
    """What the samples of a data loader hold.

    Attributes:
        samples: Their number.
        clips: Number of videos that they are frames of, 0 for single images.
        annotated: Samples with a mask that can be read.
        empty: Those of them without any foreground.
        classes: Class name -> number of annotated samples that have pixels of it, background left out.
        categories: Category -> number of videos, where the annotation gives them one.
    """

    samples: int
    clips: int
    annotated: int
    empty: int
    classes: dict[str, int]
    categories: dict[str, int]


def present_classes(samples: Sequence[Sample], labels: dict[str, tuple[int, ...]]) -> set[str]:
    """Names of the classes that have pixels or sound in any sample; ``labels`` are those in each mask."""
    return {name for s in samples for name in (*_shown_classes(s, labels), *s.sounding)}


def _shown_classes(sample: Sample, labels: dict[str, tuple[int, ...]]) -> list[str]:
    """Names of the classes that have pixels in the sample's mask, but for background."""
    return [sample.names[label] for label in labels.get(sample.mask, ()) if 0 < label < len(sample.names)]


def loader_statistics(samples: Sequence[Sample], labels: dict[str, tuple[int, ...]]) -> LoaderStatistics:
    """Counts the classes of the samples; ``labels`` are those in each mask."""
    classes = {name: 0 for s in samples for name in s.names[1:]}
    annotated = empty = 0
    for sample in samples:
        if sample.mask not in labels:
            continue
        annotated += 1
        found = _shown_classes(sample, labels)
        empty += not found
        for name in found:
            classes[name] += 1
    clips = {s.clip: s.category for s in samples if s.clip}
    categories = Counter(category for category in clips.values() if category)
    return LoaderStatistics(len(samples), len(clips), annotated, empty, classes, dict(sorted(categories.items())))

"""Selection of a recording of the same category for each clip."""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mmavs.datasets.clip_dataset import Clip

from ..vpo_builder.recordings import Recording


def category_of_label(label: str) -> str:
    """AVSBench's name of a VGGSound label: ``'male speech, man speaking'`` is ``'male_speech'``."""
    return label.split(',')[0].strip().replace(' ', '_')


def group_by_category(
    recordings: Iterable[Recording], wanted: Sequence[str], labels: Mapping[str, Sequence[str]]
) -> dict[tuple[str, str], list[Recording]]:
    """The recordings of every (split, category), sorted.

    Args:
        recordings: All recordings.
        wanted: The categories.
        labels: Labels of the categories whose names differ from their labels.
    """
    grouped: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for recording in sorted(recordings):
        for category in wanted:
            if category in labels:
                fits = recording.label in labels[category]
            else:
                fits = category_of_label(recording.label) == category
            if fits:
                grouped[recording.split, category].append(recording)
    return dict(grouped)


def assign(
    clips: Mapping[str, Sequence[Clip]], pool_of: Mapping[tuple[str, str], Sequence[Recording]], *, seed: int
) -> dict[str, Recording]:
    """Selects a recording for every clip, by clip name.

    Args:
        clips: Clips of each split.
        pool_of: Recordings of each (split, category).
        seed: Seed of the selection.

    Raises:
        ValueError: A category has no usable recording; the message names all such categories.
    """
    by_pool: dict[tuple[str, str], list[Clip]] = defaultdict(list)
    for split, found in clips.items():
        for clip in found:
            by_pool[split, clip.category].append(clip)
    if missing := sorted(f'{category} ({split})' for split, category in by_pool if (split, category) not in pool_of):
        raise ValueError(
            f'no usable recording for {", ".join(missing)}: add recordings to --sounds, or list the labels of these '
            'categories in a file for --labels'
        )
    table = {}
    for (split, category), members in sorted(by_pool.items()):
        rng, stack = random.Random(f'{seed}/{split}/{category}'), []
        for clip in sorted(members, key=lambda c: c.name):
            own = clip.name.rsplit('/', 1)[1]
            choice = _draw(stack, pool_of[split, category], rng, own)
            if choice is None:
                raise ValueError(f'all recordings of {category} ({split}) belong to the video of clip {clip.name}')
            table[clip.name] = choice
    return table


def _draw(stack: list[Recording], pool: Sequence[Recording], rng: random.Random, own: str) -> Recording | None:
    """Removes a recording of another video than ``own`` from ``stack``, which is refilled in random order."""
    for _ in range(2):
        for i, recording in enumerate(stack):
            if not own.startswith(recording.video):
                return stack.pop(i)
        stack += rng.sample(list(pool), len(pool))
    return next((stack.pop(i) for i, r in enumerate(stack) if not own.startswith(r.video)), None)

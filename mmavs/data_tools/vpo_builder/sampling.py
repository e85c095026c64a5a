"""Selection of the sounding objects of each image and their recordings: the rules of Sec. 3.

Each image has its own random generator, seeded by (seed, subset, image id).
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tqdm import tqdm

SUBSETS = ('ss', 'ms', 'msmi')
SPLITS = ('train', 'val', 'test')


class Candidate(NamedTuple):
    """An object that may become a sounding object.

    Attributes:
        ann_id: Id of its annotation.
        cls: Index into the classes of the table (0 is the first class).
        position: Center of mass, 0 (left) to 1 (right).
    """

    ann_id: int
    cls: int
    position: float


class Scene(NamedTuple):
    """The properties of an image that the sampling uses.

    Attributes:
        image_id: COCO's id.
        split: Split of the image.
        candidates: Candidates, by annotation id.
        counts: (class, number of instances) of all its objects of a known class, including those that are too small to
            be candidates; a crowd counts as two.
    """

    image_id: int
    split: str
    candidates: tuple[Candidate, ...]
    counts: tuple[tuple[int, int], ...]


class Source(NamedTuple):
    """A sounding object and its recording."""

    ann_id: int
    cls: int
    position: float
    recording: str


class Sample(NamedTuple):
    """One sample: an image and its sounding objects, by annotation id."""

    image_id: int
    split: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class SamplingRules:
    """The options of the sampling.

    Attributes:
        seed: Seed of all random choices.
        max_sources: Maximum number of sounding objects in an image.
        min_candidates: Minimum number of candidates in an image of VPO-MS.
        max_per_class: Maximum number of sounding objects of a class in each split of a subset; None for no limit.
    """

    seed: int = 0
    max_sources: int = 5
    min_candidates: int = 1
    max_per_class: int | None = None


Pool = dict[str, dict[int, list[str]]]


def image_split(
    image_id: int, *, seed: int, test_fraction: float, val_fraction: float, fixed: str | None = None
) -> str:
    """The split of an image, which depends only on its id and the seed, not on other images.

    Args:
        image_id: COCO's id.
        seed: Seed of the build.
        test_fraction: Fraction of the images for testing.
        val_fraction: Fraction of the remaining images for validation.
        fixed: A split that the user chose, or None.
    """
    if fixed:
        return fixed
    generator = random.Random(f'{seed}/split/{image_id}')
    if generator.random() < test_fraction:
        return 'test'
    return 'val' if generator.random() < val_fraction else 'train'


def draw_single(scenes: Iterable[Scene], pool: Pool, rules: SamplingRules) -> list[Sample]:
    """VPO-SS: one sounding object per image, the only instance of its class in the image.

    It is drawn at random. The weight of a class is 1 / sqrt(number of images with a candidate of it). This balances
    the classes, but does not select the rarer class of a pair nearly always.
    """
    eligible = {s: [c for c in s.candidates if dict(s.counts)[c.cls] == 1] for s in scenes}
    frequency = Counter((s.split, c.cls) for s, candidates in eligible.items() for c in candidates)

    def draw(scene: Scene, generator: random.Random) -> list[Candidate]:
        candidates = eligible[scene]
        weights = [frequency[scene.split, c.cls] ** -0.5 for c in candidates]
        return generator.choices(candidates, weights)

    return _draw_all('ss', (s for s in eligible if eligible[s]), draw, pool, rules)


def draw_multi_source(scenes: Iterable[Scene], pool: Pool, rules: SamplingRules) -> list[Sample]:
    """VPO-MS: several sounding objects of different classes, no class with more than one instance in the image.

    With two candidates, both become sounding objects. With more, their number is drawn uniformly, at least one but not
    all.
    """
    eligible = (
        s for s in scenes if len(s.candidates) >= rules.min_candidates and all(count == 1 for _, count in s.counts)
    )

    def draw(scene: Scene, generator: random.Random) -> list[Candidate]:
        number = len(scene.candidates)
        kept = _number_kept(number, rules, generator) if number > 2 else min(number, rules.max_sources)
        return generator.sample(scene.candidates, kept)

    return _draw_all('ms', eligible, draw, pool, rules)


def draw_multi_instance(scenes: Iterable[Scene], pool: Pool, rules: SamplingRules) -> list[Sample]:
    """The part of VPO-MSMI beyond VPO-MS: images with several candidates of the same class.

    The number of sounding objects is drawn uniformly. With more than two candidates it is less than their number. Each
    sounding object has its own recording.
    """
    eligible = (s for s in scenes if max(Counter(c.cls for c in s.candidates).values(), default=0) > 1)

    def draw(scene: Scene, generator: random.Random) -> list[Candidate]:
        return generator.sample(scene.candidates, _number_kept(len(scene.candidates), rules, generator))

    return _draw_all('msmi', eligible, draw, pool, rules)


def _number_kept(number: int, rules: SamplingRules, generator: random.Random) -> int:
    return generator.randint(1, min(number - (number > 2), rules.max_sources))


def _draw_all(
    subset: str,
    scenes: Iterable[Scene],
    draw: Callable[[Scene, random.Random], list[Candidate]],
    pool: Pool,
    rules: SamplingRules,
) -> list[Sample]:
    """Draws a sample in each scene, scenes with several classes first, within the limit of each class."""
    taken: Counter = Counter()
    samples = []
    for scene in tqdm(_by_priority(subset, scenes, rules.seed), desc=f'Drawing {subset}', delay=1):
        generator = random.Random(f'{rules.seed}/{subset}/{scene.image_id}')
        drawn = sorted(draw(scene, generator))
        sources = tuple(_assign_recordings(drawn, pool[scene.split], generator))
        added = Counter((scene.split, s.cls) for s in sources)
        if rules.max_per_class is None or all(taken[k] + n <= rules.max_per_class for k, n in added.items()):
            taken.update(added)
            samples.append(Sample(scene.image_id, scene.split, sources))
    return sorted(samples)


def _by_priority(subset: str, scenes: Iterable[Scene], seed: int) -> list[Scene]:
    def key(scene: Scene) -> tuple[bool, float, int]:
        single_class = len({c.cls for c in scene.candidates}) < 2
        return single_class, random.Random(f'{seed}/order/{subset}/{scene.image_id}').random(), scene.image_id

    return sorted(scenes, key=key)


def _assign_recordings(
    candidates: Iterable[Candidate], recordings: dict[int, list[str]], generator: random.Random
) -> Iterator[Source]:
    """Assigns a different recording to each candidate; candidates without a free recording are left out."""
    used: set[str] = set()
    for c in candidates:
        free = [name for name in recordings[c.cls] if name not in used]
        if free:
            name = generator.choice(free)
            used.add(name)
            yield Source(c.ann_id, c.cls, c.position, name)

"""Which objects sound in which image, with which recording: the rules of Sec. 3.

Every decision about an image comes from a generator of its own, seeded by (seed, subset, image id).
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
    """An object that could sound.

    Attributes:
        ann_id: Its annotation.
        cls: Index into the classes of the table (0 is the first class).
        position: Centre of mass, 0 (left) to 1 (right).
    """

    ann_id: int
    cls: int
    position: float


class Scene(NamedTuple):
    """An image as the sampling sees it.

    Attributes:
        image_id: COCO's id.
        split: Where it belongs.
        candidates: Its objects that could sound, by annotation id.
        counts: (class, number of instances) for all its objects of a known class, also those too small to sound; a
            crowd counts as two.
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
    """One sample: an image and what sounds in it, by annotation id."""

    image_id: int
    split: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class SamplingRules:
    """The options of the sampling.

    Attributes:
        seed: Of all random choices.
        max_sources: Most objects that sound in one image.
        min_candidates: Fewest objects that could sound in an image of VPO-MS.
        max_per_class: Most sounding objects of a class in each split of a subset; None for no limit.
    """

    seed: int = 0
    max_sources: int = 5
    min_candidates: int = 1
    max_per_class: int | None = None


Pool = dict[str, dict[int, list[str]]]


def image_split(
    image_id: int, *, seed: int, test_fraction: float, val_fraction: float, fixed: str | None = None
) -> str:
    """The split of an image, from its id and the seed alone, so that other images do not move it.

    Args:
        image_id: COCO's id.
        seed: Of the build.
        test_fraction: Share of the images for testing.
        val_fraction: Share of the remaining ones for validation.
        fixed: A split that the user decided, or None.
    """
    if fixed:
        return fixed
    generator = random.Random(f'{seed}/split/{image_id}')
    if generator.random() < test_fraction:
        return 'test'
    return 'val' if generator.random() < val_fraction else 'train'


def draw_single(scenes: Iterable[Scene], pool: Pool, rules: SamplingRules) -> list[Sample]:
    """VPO-SS: one sounding object per image, of a class of which the image has only one.

    Which one is drawn at random; rare classes get more weight (one over the root of the number of images where the
    class could sound), so that the set is better balanced while no class of a pair sounds nearly always.
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

    Both of two objects sound; of more, a number drawn uniformly, at least one and never all.
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
    """The part of VPO-MSMI beyond VPO-MS: images with several instances of a class that could each sound.

    A number drawn uniformly sounds; of more than two never all. Each has a recording of its own.
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
    """Draws scene by scene, those with several classes first, as long as no class is over its limit."""
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
    """A recording for each, none twice; an object for which none is left stays silent."""
    used: set[str] = set()
    for c in candidates:
        free = [name for name in recordings[c.cls] if name not in used]
        if free:
            name = generator.choice(free)
            used.add(name)
            yield Source(c.ann_id, c.cls, c.position, name)

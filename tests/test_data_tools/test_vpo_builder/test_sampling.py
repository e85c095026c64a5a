import random
from collections import Counter

import pytest

from mmavs.data_tools.vpo_builder.sampling import (
    Candidate,
    SamplingRules,
    Scene,
    draw_multi_instance,
    draw_multi_source,
    draw_single,
    image_split,
)

POOL = {split: {cls: [f'{split}{cls}x{i}' for i in range(9)] for cls in range(9)} for split in ('train', 'test')}
DRAWS = (draw_single, draw_multi_source, draw_multi_instance)


def scene(image_id, *classes, split='train', silent=()):
    """An image with one candidate for each entry of ``classes``, and instances that are too small to be candidates."""
    candidates = tuple(Candidate(100 * image_id + i, cls, i / 10) for i, cls in enumerate(classes))
    return Scene(image_id, split, candidates, tuple(sorted(Counter([*classes, *silent]).items())))


def random_scenes(number, *, distinct, seed=0):
    generator = random.Random(seed)
    for image_id in range(number):
        pick = generator.sample if distinct else generator.choices
        yield scene(image_id, *pick(range(9), k=generator.randint(1, 9)), split=generator.choice(['train', 'test']))


def test_single_source_has_the_only_object_of_its_class():
    scenes = [scene(1, 0, 0, 1), scene(2, 3, silent=[3]), scene(3, 4), scene(4, 5, 5)]
    drawn = draw_single(scenes, POOL, SamplingRules())
    assert [(s.image_id, [x.cls for x in s.sources]) for s in drawn] == [(1, [1]), (3, [4])]
    source = drawn[0].sources[0]
    assert (source.ann_id, source.position) == (102, 0.2)
    assert source.recording in POOL['train'][1]


def test_single_source_does_not_always_select_the_rarer_class():
    # class 0 is nine times as frequent as class 1, which only occurs beside it
    scenes = [scene(i, 0, *([1] if i % 9 == 0 else [])) for i in range(9000)]
    drawn = Counter(s.sources[0].cls for s in draw_single(scenes, POOL, SamplingRules()) if s.image_id % 9 == 0)
    assert 0.7 < drawn[1] / 1000 < 0.8  # weights 1 to 1/3


def test_images_with_several_classes_come_first():
    scenes = [scene(i, 0, *([1 + i % 3] if i % 2 else [])) for i in range(200)]
    drawn = draw_single(scenes, POOL, SamplingRules(max_per_class=20))
    counts = Counter(s.sources[0].cls for s in drawn)
    assert max(counts.values()) <= 20
    assert all(s.image_id % 2 for s in drawn)


@pytest.mark.parametrize('draw', DRAWS)
def test_limit_counts_each_split(draw):
    for sample_limit in (1, 7):
        drawn = draw(list(random_scenes(800, distinct=False)), POOL, SamplingRules(max_per_class=sample_limit))
        counts = Counter((s.split, x.cls) for s in drawn for x in s.sources)
        assert max(counts.values(), default=sample_limit) == sample_limit


def test_multi_source_takes_images_without_repeated_classes():
    scenes = [
        scene(1, 0, 1),
        scene(2, 0, 0, 1),
        scene(3, 0, 1, silent=[1]),
        scene(4, 0, 1, silent=[7, 7]),
        scene(5, 0),
        scene(6, 2, 3, silent=[7]),
    ]
    assert [s.image_id for s in draw_multi_source(scenes, POOL, SamplingRules())] == [1, 5, 6]
    assert [s.image_id for s in draw_multi_source(scenes, POOL, SamplingRules(min_candidates=2))] == [1, 6]


@pytest.mark.parametrize('max_sources', [1, 3, 5])
def test_multi_source_keeps_some_of_more_than_two_silent(max_sources):
    scenes = list(random_scenes(500, distinct=True))
    drawn = {s.image_id: s for s in draw_multi_source(scenes, POOL, SamplingRules(max_sources=max_sources))}
    assert set(drawn) == {s.image_id for s in scenes if s.candidates}
    for s in scenes:
        number = len(s.candidates)
        if number > 2:
            assert 1 <= len(drawn[s.image_id].sources) <= min(number - 1, max_sources)
        elif number:
            assert len(drawn[s.image_id].sources) == min(number, max_sources)


@pytest.mark.parametrize('draw, classes', [(draw_multi_source, [0, 1, 2, 3, 4]), (draw_multi_instance, [0] * 5)])
def test_every_number_and_every_object_is_equally_likely(draw, classes):
    drawn = draw([scene(i, *classes) for i in range(4000)], POOL, SamplingRules())
    numbers = Counter(len(s.sources) for s in drawn)
    assert set(numbers) == {1, 2, 3, 4}
    assert all(900 < n < 1100 for n in numbers.values())
    places = Counter(source.ann_id % 100 for s in drawn for source in s.sources)
    assert all(1850 < n < 2150 for n in places.values())  # half of 4000


def test_multi_instance_needs_two_candidates_of_a_class():
    scenes = [scene(1, 0, 1), scene(2, 0, 0), scene(3, 0, 1, 1), scene(4, 0, silent=[0])]
    assert [s.image_id for s in draw_multi_instance(scenes, POOL, SamplingRules())] == [2, 3]


def test_multi_instance_keeps_one_silent_of_more_than_two():
    numbers = {2: set(), 3: set(), 9: set()}
    for i, number in enumerate([2, 3, 9] * 100):
        drawn = draw_multi_instance([scene(i, *[0] * number)], POOL, SamplingRules())
        numbers[number].add(len(drawn[0].sources))
    assert numbers == {2: {1, 2}, 3: {1, 2}, 9: {1, 2, 3, 4, 5}}


@pytest.mark.parametrize('draw', DRAWS)
def test_recordings_are_of_the_class_and_split_and_differ_in_an_image(draw):
    for s in draw(list(random_scenes(400, distinct=False)), POOL, SamplingRules()):
        names = [x.recording for x in s.sources]
        assert len(set(names)) == len(names)
        assert all(x.recording in POOL[s.split][x.cls] for x in s.sources)


def test_object_without_a_free_recording_is_left_out():
    pool = {'train': {0: ['only'], 1: ['only', 'other']}}
    for i in range(40):
        drawn = draw_multi_instance([scene(i, 0, 0)], pool, SamplingRules())
        assert [x.recording for x in drawn[0].sources] == ['only']
        shared = draw_multi_source([scene(i, 0, 1)], pool, SamplingRules())
        assert [x.recording for x in shared[0].sources] == ['only', 'other']


@pytest.mark.parametrize('draw', DRAWS)
def test_order_of_the_images_does_not_matter_and_the_seed_does(draw):
    scenes = list(random_scenes(300, distinct=draw is not draw_multi_instance))
    first = draw(scenes, POOL, SamplingRules())
    assert draw(scenes[::-1], POOL, SamplingRules()) == first
    assert draw(scenes, POOL, SamplingRules(seed=1)) != first


def test_split_depends_on_id_and_seed_alone():
    def split(image_id, seed=0, test=0.2, val=0.25):
        return image_split(image_id, seed=seed, test_fraction=test, val_fraction=val)

    drawn = [split(i) for i in range(5000)]
    counts = Counter(drawn)
    assert 0.18 < counts['test'] / 5000 < 0.22
    assert 0.18 < counts['val'] / 5000 < 0.22  # a quarter of the rest
    assert {i for i in range(5000) if drawn[i] == 'test'} == {i for i in range(5000) if split(i, val=0) == 'test'}
    assert [split(i, seed=1) for i in range(5000)] != drawn
    assert image_split(5, seed=0, test_fraction=0.5, val_fraction=0.0, fixed='val') == 'val'

"""Properties of the samples drawn from any scenes, recordings and rules."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.data_tools.vpo_builder.sampling import (
    Candidate,
    SamplingRules,
    Scene,
    draw_multi_instance,
    draw_multi_source,
    draw_single,
    image_split,
)

DRAWS = dict(ss=draw_single, ms=draw_multi_source, msmi=draw_multi_instance)
SPLITS = ('train', 'val', 'test')
CLASSES = range(4)


@st.composite
def scene_lists(draw):
    """Images with candidates, and instances that are too small to be candidates."""
    scenes = []
    for image_id in range(draw(st.integers(0, 8))):
        classes = draw(st.lists(st.sampled_from(CLASSES), min_size=1, max_size=6))
        small = draw(st.lists(st.sampled_from(CLASSES), max_size=2))
        candidates = tuple(Candidate(100 * image_id + i, c, i / 6) for i, c in enumerate(classes))
        counts = tuple(sorted(Counter(classes + small).items()))
        scenes.append(Scene(image_id, draw(st.sampled_from(SPLITS)), candidates, counts))
    return scenes


pools = st.fixed_dictionaries(
    {
        split: st.fixed_dictionaries(
            {c: st.integers(1, 4).map(lambda n, s=split, c=c: [f'{s}{c}x{i}' for i in range(n)]) for c in CLASSES}
        )
        for split in SPLITS
    }
)
rules = st.builds(
    SamplingRules,
    seed=st.integers(0, 99),
    max_sources=st.integers(1, 5),
    min_candidates=st.integers(1, 3),
    max_per_class=st.none() | st.integers(1, 4),
)


@settings(max_examples=60)
@given(scene_lists(), pools, rules, st.sampled_from(sorted(DRAWS)), st.randoms(use_true_random=False))
def test_every_sample_follows_the_rules(scenes, pool, rule, subset, shuffler):
    drawn = DRAWS[subset](scenes, pool, rule)
    by_id = {s.image_id: s for s in scenes}
    assert len({s.image_id for s in drawn}) == len(drawn)
    for sample in drawn:
        scene = by_id[sample.image_id]
        known = {c.ann_id: c for c in scene.candidates}
        assert sample.split == scene.split and sample.sources
        assert len({s.ann_id for s in sample.sources}) == len(sample.sources)
        assert len({s.recording for s in sample.sources}) == len(sample.sources)
        for source in sample.sources:
            assert (source.cls, source.position) == known[source.ann_id][1:]
            assert source.recording in pool[sample.split][source.cls]
        check_subset(subset, sample, scene, rule)
    taken = Counter((s.split, x.cls) for s in drawn for x in s.sources)
    assert rule.max_per_class is None or all(n <= rule.max_per_class for n in taken.values())
    shuffled = list(scenes)
    shuffler.shuffle(shuffled)
    assert DRAWS[subset](shuffled, pool, rule) == drawn


def check_subset(subset, sample, scene, rule):
    """The definitions of the subsets in Sec. 3."""
    counts, number = dict(scene.counts), len(scene.candidates)
    if subset == 'ss':
        assert len(sample.sources) == 1 and counts[sample.sources[0].cls] == 1
        return
    assert len(sample.sources) <= rule.max_sources
    assert number <= 2 or len(sample.sources) < number
    if subset == 'ms':
        assert set(counts.values()) == {1} and number >= rule.min_candidates
    else:
        assert max(Counter(c.cls for c in scene.candidates).values()) > 1


@settings(max_examples=40)
@given(scene_lists(), pools, st.integers(0, 99))
def test_without_a_limit_every_suitable_image_is_used(scenes, pool, seed):
    rule = SamplingRules(seed=seed)
    alone = {s.image_id for s in scenes if any(dict(s.counts)[c.cls] == 1 for c in s.candidates)}
    distinct = {s.image_id for s in scenes if all(n == 1 for _, n in s.counts)}
    several = {s.image_id for s in scenes if len({c.cls for c in s.candidates}) < len(s.candidates)}
    for subset, wanted in (('ss', alone), ('ms', distinct), ('msmi', several)):
        assert {s.image_id for s in DRAWS[subset](scenes, pool, rule)} == wanted


@settings(max_examples=40)
@given(st.integers(0, 10**12), st.integers(0, 9), st.floats(0, 0.99), st.floats(0, 0.99))
def test_larger_test_fraction_keeps_the_test_images(image_id, seed, share, more):
    low, high = sorted((share, more))
    small, large = (image_split(image_id, seed=seed, test_fraction=f, val_fraction=0.2) for f in (low, high))
    assert small != 'test' or large == 'test'
    assert image_split(image_id, seed=seed, test_fraction=0, val_fraction=0) == 'train'

"""What holds for the pixels drawn from any labels and any swap of the sounds."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.models.losses.pairing import distinguish_sets, draw_pixels, label_swapped

IGNORE = 255
H, W = 3, 4


@st.composite
def batches(draw):
    """(labels (B, h, w), sets of sounds, permutation)."""
    size = draw(st.integers(1, 4))
    pixels = st.lists(st.sampled_from([0, 0, 1, 2, 3, IGNORE]), min_size=H * W, max_size=H * W)
    label = torch.tensor([draw(pixels) for _ in range(size)]).view(size, H, W)
    sounds = [tuple(sorted(draw(st.sets(st.integers(1, 3), max_size=3)))) for _ in range(size)]
    return label, sounds, torch.tensor(draw(st.permutations(range(size))))


@settings(max_examples=50)
@given(batches())
def test_label_swapped_pixel_by_pixel(batch):
    label, sounds, permutation = batch
    swapped = label_swapped(label, sounds, permutation)
    for i, (own, other) in enumerate(zip(label.tolist(), swapped.tolist(), strict=True)):
        same = set(sounds[i]) == set(sounds[permutation[i]])
        for line, swapped_line in zip(own, other, strict=True):
            truth = [IGNORE if v in (0, IGNORE) else v if same else 0 for v in line]
            assert swapped_line == truth


@settings(max_examples=50)
@given(batches())
def test_distinguish_sets_keeps_apart_what_differs(batch):
    label, sounds, _ = batch
    strict = distinguish_sets(label, sounds)
    seen = {}
    for i, (own, new) in enumerate(zip(label.flatten(1).tolist(), strict.flatten(1).tolist(), strict=True)):
        for v, s in zip(own, new, strict=True):
            key = v if v in (0, IGNORE) else (v, sounds[i])
            assert seen.setdefault(s, key) == key
    assert len(set(seen.values())) == len(seen)


@settings(max_examples=50)
@given(batches(), st.integers(1, 15), st.integers(1, 15), st.booleans())
def test_drawn_pixels(batch, positive, negative, swap):
    label, sounds, permutation = batch
    swapped = label_swapped(label, sounds, permutation) if swap else None
    own, other = draw_pixels(label, swapped, positive_views=positive, negative_views=negative)
    there = {v: int((label == v).sum()) for v in (0, 1, 2, 3)}
    uncertain = int((swapped != IGNORE).sum()) if swap else there[0]
    for value, number in there.items():
        limit = positive if value else min(negative, uncertain)
        assert (own.label == value).sum() == min(number, limit)
    assert len(other.label) == (min(negative, there[0], uncertain) if swap else 0)
    for sample, truth in ((own, label), (other, swapped if swap else label)):
        assert torch.equal(truth.flatten(1)[sample.image, sample.pixel], sample.label)
        assert not (sample.label == IGNORE).any()
        assert len({*zip(sample.image.tolist(), sample.pixel.tolist(), strict=True)}) == len(sample.label)

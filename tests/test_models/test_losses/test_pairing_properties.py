"""What holds for the pixels drawn from any labels and any permutation of the audio."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.models.losses.pairing import audio_sets, distinguish_sets, draw_pixels, label_shuffled

IGNORE = 255
H, W = 3, 4


@st.composite
def batches(draw):
    """(labels (B, h, w), audio of each image, permutation)."""
    size = draw(st.integers(1, 4))
    pixels = st.lists(st.sampled_from([0, 0, 1, 2, 3, IGNORE]), min_size=H * W, max_size=H * W)
    label = torch.tensor([draw(pixels) for _ in range(size)]).view(size, H, W)
    audio = audio_sets([dict(audio_label=draw(st.lists(st.integers(1, 3), max_size=3))) for _ in range(size)])
    return label, audio, torch.tensor(draw(st.permutations(range(size))))


@settings(max_examples=50)
@given(batches())
def test_label_shuffled_pixel_by_pixel(batch):
    label, audio, permutation = batch
    shuffled = label_shuffled(label, audio, permutation)
    for i, (original, other) in enumerate(zip(label.tolist(), shuffled.tolist(), strict=True)):
        same = audio[i] == audio[permutation[i]]
        for line, shuffled_line in zip(original, other, strict=True):
            truth = [IGNORE if v in (0, IGNORE) else v if same else 0 for v in line]
            assert shuffled_line == truth


@settings(max_examples=50)
@given(batches())
def test_distinguish_sets_separates_different_pairs(batch):
    label, audio, _ = batch
    strict = distinguish_sets(label, audio)
    seen = {}
    for i, (original, new) in enumerate(zip(label.flatten(1).tolist(), strict.flatten(1).tolist(), strict=True)):
        for v, s in zip(original, new, strict=True):
            key = v if v in (0, IGNORE) else (v, audio[i])
            assert seen.setdefault(s, key) == key
    assert len(set(seen.values())) == len(seen)


@settings(max_examples=50)
@given(batches(), st.integers(1, 15), st.booleans())
def test_drawn_pixels(batch, max_views, shuffle):
    label, audio, permutation = batch
    shuffled = label_shuffled(label, audio, permutation) if shuffle else None
    original, other = draw_pixels(label, shuffled, max_views=max_views)
    there = {v: int((label == v).sum()) for v in (0, 1, 2, 3)}
    negatives = min(max_views, there[0], sum(there.values()) - there[0])
    for value, number in there.items():
        assert (original.label == value).sum() == (min(number, max_views) if value else negatives)
    assert len(other.label) == (negatives if shuffle else 0)
    for sample, truth in ((original, label), (other, shuffled if shuffle else label)):
        assert torch.equal(truth.flatten(1)[sample.image, sample.pixel], sample.label)
        assert not (sample.label == IGNORE).any()
        assert len({*zip(sample.image.tolist(), sample.pixel.tolist(), strict=True)}) == len(sample.label)

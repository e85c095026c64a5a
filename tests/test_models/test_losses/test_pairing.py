import pytest
import torch

from mmavs.models.losses.pairing import (
    PixelSample,
    audio_sets,
    distinguish_sets,
    draw,
    draw_pairs,
    draw_pixels,
    gather_pixels,
    label_shuffled,
    resize_label,
)

IGNORE = 255


def sets(*labels):
    return audio_sets([dict(audio_label=label) for label in labels])


def test_resize_label_takes_the_nearest_and_keeps_the_type():
    label = torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 1], [255, 255, 3, 3], [255, 255, 3, 3]]])
    assert resize_label(label, (2, 2)).tolist() == [[[0, 1], [255, 3]]]
    assert resize_label(label, (2, 2)).dtype == torch.int64
    assert resize_label(label.to(torch.uint8), (2, 2)).dtype == torch.uint8
    assert resize_label(label, torch.Size([4, 4])) is label


@pytest.mark.parametrize(
    'original, shuffled, pixel, expected',
    [
        # original audio, shuffled audio, label of the pixel -> label of the shuffled pair (Eq. 1)
        ((3,), (3,), 3, 3),  # the same class sounds: still a positive of it
        ((3,), (5,), 3, 0),  # another class sounds: the object is silent
        ((3,), (3, 5), 3, 0),  # sets that overlap are not equal
        ((3, 5), (5, 3), 5, 5),  # the order of sources does not matter
        ((3, 3), (3,), 3, 3),  # nor does their number
        ((3,), (), 3, 0),  # silence
        ((), (), 3, 3),
        ((3,), (3,), 0, IGNORE),  # background is uncertain
        ((3,), (5,), 0, IGNORE),
        ((3,), (3,), IGNORE, IGNORE),
        ((3,), (5,), IGNORE, IGNORE),
    ],
)
def test_label_shuffled_truth_table(original, shuffled, pixel, expected):
    label = torch.full((2, 1, 1), pixel)
    result = label_shuffled(label, sets(original, shuffled), torch.tensor([1, 0]), ignore_index=IGNORE)
    assert result[0, 0, 0] == expected


def test_label_shuffled_follows_the_permutation_and_leaves_its_input():
    label = torch.tensor([[[1, 0]], [[2, 1]], [[IGNORE, 2]]])
    before = label.clone()
    result = label_shuffled(label, sets((1,), (1, 2), (1,)), torch.tensor([2, 2, 1]))
    assert result.tolist() == [[[1, IGNORE]], [[0, 0]], [[IGNORE, 0]]]
    assert torch.equal(label, before)


def test_a_pair_with_its_original_audio_keeps_all_foreground():
    label = torch.tensor([[[1, 0, 2]]])
    assert label_shuffled(label, sets((1, 2)), torch.tensor([0])).tolist() == [[[1, IGNORE, 2]]]


def test_distinguish_sets_separates_classes_by_their_audio():
    label = torch.tensor([[[0, 1, IGNORE]], [[1, 2, 0]], [[1, 2, 0]], [[1, 1, 1]]])
    result = distinguish_sets(label, sets((1,), (1, 2), (2, 1), (1,)))
    assert (result[label == 0] == 0).all() and (result[label == IGNORE] == IGNORE).all()
    assert result[0, 0, 1] == result[3, 0, 0]  # the same class and set
    assert result[1, 0, 0] == result[2, 0, 0]  # the order of sources does not matter
    assert result[0, 0, 1] != result[1, 0, 0]  # the same class, another set
    assert result[1, 0, 0] != result[1, 0, 1]  # another class, the same set
    assert (result[(label != 0) & (label != IGNORE)] > IGNORE).all()


def test_distinguish_sets_does_not_overflow_small_integers():
    result = distinguish_sets(torch.tensor([[[21]]], dtype=torch.uint8), sets((21,)))
    assert result.item() > IGNORE


def test_draw_takes_distinct_entries_or_all():
    index = torch.arange(50, 80)
    chosen = draw(index, 10)
    assert len(chosen) == len(set(chosen.tolist())) == 10 and set(chosen.tolist()) <= set(index.tolist())
    assert torch.equal(draw(index, 30), index) and torch.equal(draw(index, 99), index)
    assert len(draw(index, 0)) == 0


def test_draw_reaches_every_entry():
    seen = {i for _ in range(100) for i in draw(torch.arange(6), 2).tolist()}
    assert seen == set(range(6))


def count(sample):
    return {int(v): int((sample.label == v).sum()) for v in sample.label.unique()}


def scene():
    """Labels of both kinds of pairs of two 10x10 images: 100 background, 60 of class 1, 30 of class 2, 10 to ignore."""
    label = torch.tensor([0] * 100 + [1] * 60 + [2] * 30 + [IGNORE] * 10)[torch.randperm(200)].view(2, 10, 10)
    return label, label_shuffled(label, sets((1,), (2,)), torch.tensor([1, 0]))


def test_numbers_of_drawn_pixels():
    original, shuffled = draw_pixels(*scene(), max_views=40)
    assert count(original) == {0: 40, 1: 40, 2: 30} and len(shuffled.label) == 40


def test_share_of_positives():
    original, shuffled = draw_pixels(*scene(), max_views=20, positive_share=0.25)
    assert count(original) == {0: 30, 1: 10, 2: 10} and len(shuffled.label) == 30


def test_samples_point_at_pixels_of_their_label_and_at_none_twice():
    label, shuffled = scene()
    for sample, truth in zip(draw_pixels(label, shuffled, max_views=25), (label, shuffled), strict=True):
        assert torch.equal(truth.flatten(1)[sample.image, sample.pixel], sample.label)
        assert (sample.label != IGNORE).all()
        places = (sample.image * 100 + sample.pixel).tolist()
        assert len(set(places)) == len(places)


def test_without_shuffled_pairs_background_is_drawn_alone():
    label, _ = scene()
    original, shuffled = draw_pixels(label, None, max_views=20)
    assert count(original) == {0: 20, 1: 20, 2: 20} and len(shuffled.label) == 0


@pytest.mark.parametrize('value', [0, IGNORE])
def test_without_foreground_nothing_is_drawn(value):
    label = torch.full((2, 3, 3), value)
    for shuffle in (True, False):
        drawn = draw_pairs(label, sets((1,), (2,)), shuffle=shuffle)
        assert len(drawn.original.label) == len(drawn.shuffled.label) == 0


def test_category_separates_audio_of_equal_classes():
    metas = [dict(audio_label=(1,), category=c) for c in ('dog', 'guitar', 'dog')] + [dict(audio_label=(1,))]
    label = torch.ones(4, 1, 1, dtype=torch.long)
    shuffled = label_shuffled(label, audio_sets(metas), torch.tensor([1, 0, 0, 2])).flatten().tolist()
    assert shuffled == [0, 0, 1, 0]  # a dog with a guitar, a guitar with a dog, a dog with a dog, unknown with a dog
    assert len(set(audio_sets(metas, match_category=False))) == 1


def test_gather_pixels():
    feature = torch.arange(2 * 3 * 2 * 2).view(2, 3, 2, 2)
    image, pixel = torch.tensor([1, 0, 1]), torch.tensor([3, 1, 0])
    picked = gather_pixels(feature, PixelSample(image, pixel, None))
    assert picked.tolist() == [feature[1, :, 1, 1].tolist(), feature[0, :, 0, 1].tolist(), feature[1, :, 0, 0].tolist()]

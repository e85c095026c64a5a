import pytest
import torch

from mmavs.models.losses.pairing import distinguish_sets, draw, draw_pixels, label_swapped, resize_label

IGNORE = 255


def test_resize_label_takes_the_nearest_and_keeps_the_type():
    label = torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 1], [255, 255, 3, 3], [255, 255, 3, 3]]])
    assert resize_label(label, (2, 2)).tolist() == [[[0, 1], [255, 3]]]
    assert resize_label(label, (2, 2)).dtype == torch.int64
    assert resize_label(label.to(torch.uint8), (2, 2)).dtype == torch.uint8
    assert resize_label(label, torch.Size([4, 4])) is label


@pytest.mark.parametrize(
    'own, swapped, pixel, expected',
    [
        # own sound, swapped sound, label of the pixel -> label of the swapped pair (Eq. 1)
        ((3,), (3,), 3, 3),  # the same class sounds: still a positive of it
        ((3,), (5,), 3, 0),  # another class sounds: the object is silent
        ((3,), (3, 5), 3, 0),  # sets that overlap are not equal
        ((3, 5), (5, 3), 5, 5),  # the order of sources says nothing
        ((3, 3), (3,), 3, 3),  # nor does their number
        ((3,), (), 3, 0),  # silence
        ((), (), 3, 3),
        ((3,), (3,), 0, IGNORE),  # background is uncertain
        ((3,), (5,), 0, IGNORE),
        ((3,), (3,), IGNORE, IGNORE),
        ((3,), (5,), IGNORE, IGNORE),
    ],
)
def test_label_swapped_truth_table(own, swapped, pixel, expected):
    label = torch.full((2, 1, 1), pixel)
    result = label_swapped(label, [own, swapped], torch.tensor([1, 0]), ignore_index=IGNORE)
    assert result[0, 0, 0] == expected


def test_label_swapped_follows_the_permutation_and_leaves_its_input():
    label = torch.tensor([[[1, 0]], [[2, 1]], [[IGNORE, 2]]])
    before = label.clone()
    result = label_swapped(label, [(1,), (1, 2), (1,)], torch.tensor([2, 2, 1]))
    assert result.tolist() == [[[1, IGNORE]], [[0, 0]], [[IGNORE, 0]]]
    assert torch.equal(label, before)


def test_a_pair_with_its_own_sound_keeps_all_foreground():
    label = torch.tensor([[[1, 0, 2]]])
    assert label_swapped(label, [(1, 2)], torch.tensor([0])).tolist() == [[[1, IGNORE, 2]]]


def test_distinguish_sets_separates_classes_by_their_sounds():
    label = torch.tensor([[[0, 1, IGNORE]], [[1, 2, 0]], [[1, 2, 0]], [[1, 1, 1]]])
    result = distinguish_sets(label, [(1,), (1, 2), (2, 1), (1,)])
    assert (result[label == 0] == 0).all() and (result[label == IGNORE] == IGNORE).all()
    assert result[0, 0, 1] == result[3, 0, 0]  # the same class and set
    assert result[1, 0, 0] == result[2, 0, 0]  # the order of sources says nothing
    assert result[0, 0, 1] != result[1, 0, 0]  # the same class, another set
    assert result[1, 0, 0] != result[1, 0, 1]  # another class, the same set
    assert (result[(label != 0) & (label != IGNORE)] > IGNORE).all()


def test_distinguish_sets_does_not_overflow_small_integers():
    result = distinguish_sets(torch.tensor([[[21]]], dtype=torch.uint8), [(21,)])
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
    """Own and swapped labels of two 10x10 images: 100 background, 60 of class 1, 30 of class 2, 10 to ignore."""
    label = torch.tensor([0] * 100 + [1] * 60 + [2] * 30 + [IGNORE] * 10)[torch.randperm(200)].view(2, 10, 10)
    return label, label_swapped(label, [(1,), (2,)], torch.tensor([1, 0]))


@pytest.mark.parametrize(
    'positive, negative, own, swapped',
    [
        (20, 40, {0: 40, 1: 20, 2: 20}, 40),
        (50, 50, {0: 50, 1: 50, 2: 30}, 50),  # of the scarce class all there are
        (500, 500, {0: 90, 1: 60, 2: 30}, 90),  # as much background as swapped pixels
        (1, 1, {0: 1, 1: 1, 2: 1}, 1),
    ],
)
def test_numbers_of_drawn_pixels(positive, negative, own, swapped):
    own_sample, swapped_sample = draw_pixels(*scene(), positive_views=positive, negative_views=negative)
    assert count(own_sample) == own
    assert len(swapped_sample.label) == swapped


def test_scarce_background_bounds_the_swapped_pixels():
    label = torch.tensor([[[0, 0, 1, 1, 1, 1]]])
    own, swapped = draw_pixels(
        label, torch.tensor([[[IGNORE, IGNORE, 0, 0, 0, 0]]]), positive_views=4, negative_views=4
    )
    assert count(own) == {0: 2, 1: 4} and count(swapped) == {0: 2}


def test_samples_point_at_pixels_of_their_label_and_at_none_twice():
    label, swapped = scene()
    for sample, truth in zip(
        draw_pixels(label, swapped, positive_views=25, negative_views=25), (label, swapped), strict=True
    ):
        assert torch.equal(truth.flatten(1)[sample.image, sample.pixel], sample.label)
        assert (sample.label != IGNORE).all()
        places = (sample.image * 100 + sample.pixel).tolist()
        assert len(set(places)) == len(places)


def test_without_swapped_pairs_background_is_drawn_alone():
    label, _ = scene()
    own, swapped = draw_pixels(label, None, positive_views=20, negative_views=40)
    assert count(own) == {0: 40, 1: 20, 2: 20} and len(swapped.label) == 0


@pytest.mark.parametrize('value', [0, IGNORE])
def test_without_foreground_no_pair_is_swapped(value):
    label = torch.full((2, 3, 3), value)
    swapped = label_swapped(label, [(1,), (2,)], torch.tensor([1, 0]))
    own, other = draw_pixels(label, swapped, positive_views=4, negative_views=4)
    assert len(own.label) == len(other.label) == 0

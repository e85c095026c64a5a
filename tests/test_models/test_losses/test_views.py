import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.models.losses.views import count_views, divide


@pytest.mark.parametrize(
    'classes, background, shuffled, expected',
    [
        ([60, 30], 100, 90, ([20, 20], 20, 20)),
        ([60, 10], 100, 70, ([20, 10], 20, 20)),  # of the scarce class all there are
        ([60, 30], 15, 90, ([20, 20], 15, 15)),  # background and shuffled pairs: as many as the scarcer has
        ([60, 30], 100, None, ([20, 20], 20, 0)),
        ([5], 100, None, ([5], 5, 0)),  # no more background than with shuffled pairs, of which there would be 5
        ([], 100, 0, ([], 0, 0)),
    ],
)
def test_default_counts(classes, background, shuffled, expected):
    assert count_views(classes, background, shuffled, max_views=20) == expected


@pytest.mark.parametrize('share', [0.1, 0.5, 0.9])
@pytest.mark.parametrize('number', [1, 2, 6])
def test_share_of_positives_for_any_number_of_classes(share, number):
    plenty = [10_000] * number
    views = count_views(plenty, 100_000, 10_000 * number, max_views=100, positive_share=share)
    total = sum(views.classes) + views.background + views.shuffled
    assert total == 100 * number + 200  # as by default
    assert sum(views.classes) == pytest.approx(share * total, abs=1)
    assert max(views.classes) - min(views.classes) <= 1 and abs(views.background - views.shuffled) <= 1


@settings(max_examples=100)
@given(
    st.lists(st.integers(0, 300), max_size=4),
    st.integers(0, 500),
    st.integers(0, 500) | st.none(),
    st.integers(1, 100),
    st.floats(0.05, 0.95),
)
def test_share_is_kept_with_few_pixels(classes, background, shuffled, max_views, share):
    views = count_views(classes, background, shuffled, max_views=max_views, positive_share=share)
    positive, negative = sum(views.classes), views.background + views.shuffled
    assert all(0 <= drawn <= there for drawn, there in zip(views.classes, classes, strict=True))
    assert 0 <= views.background <= background and 0 <= views.shuffled <= (shuffled or 0)
    assert abs(positive - share * (positive + negative)) <= 1.5


def test_divide_is_even_up_to_the_available_numbers():
    assert divide(10, [100, 100, 100]) == [3, 3, 4]
    assert divide(10, [100, 1, 100]) == [4, 1, 5]
    assert divide(10, [2, 3]) == [2, 3]
    assert divide(0, []) == []

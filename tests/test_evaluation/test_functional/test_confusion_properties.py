"""Invariants of the dataset-level metrics."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from mmavs.evaluation import confusion_matrix, dataset_level_scores

CLASSES = 4
PER_CLASS = ('IoU', 'F', 'FDR', 'Acc')
OVERALL = ('mIoU', 'mF', 'mFDR', 'mAcc', 'aAcc')
COUNTS = tuple(f'm{name}_classes' for name in PER_CLASS)
confusions = st_numpy.arrays('int64', (CLASSES, CLASSES), elements=st.integers(0, 50) | st.just(0))
labels = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), st.sampled_from([*range(CLASSES), 255])), min_size=1, max_size=30
)


def equal(a, b):
    np.testing.assert_allclose(a, b, atol=1e-12)  # NaN equals NaN here


@settings(max_examples=40)
@given(labels, st.integers(0, 30))
def test_counts_of_parts_add_up(pairs, cut):
    pred, label = (torch.tensor(column) for column in zip(*pairs, strict=True))
    parts = [confusion_matrix(pred[s], label[s], CLASSES) for s in (slice(cut), slice(cut, None))]
    assert torch.equal(sum(parts), confusion_matrix(pred, label, CLASSES))
    assert sum(parts).sum() == (label != 255).sum()


@settings(max_examples=40)
@given(confusions)
def test_scores_are_in_0_to_1_and_iou_is_at_most_f(confusion):
    scores = dataset_level_scores(confusion)
    for name in (*PER_CLASS, *OVERALL):
        values = np.atleast_1d(scores[name])
        values = values[~np.isnan(values)]
        assert ((values >= 0) & (values <= 1 + 1e-12)).all(), name
    counted = ~np.isnan(scores['IoU'])
    assert (scores['IoU'][counted] <= scores['F'][counted] + 1e-12).all()
    assert np.array_equal(counted, ~np.isnan(scores['F']))
    zero = dataset_level_scores(confusion, absent='zero')['mIoU']
    assert zero <= scores['mIoU'] + 1e-12 or np.isnan(scores['mIoU'])


@settings(max_examples=40)
@given(confusions, st.permutations(range(CLASSES)), st.integers(1, 9))
def test_invariant_to_the_order_of_classes_and_the_size_of_the_dataset(confusion, order, times):
    scores = dataset_level_scores(confusion)
    renamed = dataset_level_scores(times * confusion[np.ix_(order, order)])
    for name in PER_CLASS:
        equal(renamed[name], scores[name][list(order)])
    for name in OVERALL + COUNTS:
        equal(renamed[name], scores[name])


@settings(max_examples=40)
@given(confusions, st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1))
def test_correcting_a_pixel_lowers_no_score_of_its_class(confusion, label, pred):
    if label == pred or not confusion[label, pred]:
        return
    better = confusion.copy()
    better[label, pred] -= 1
    better[label, label] += 1
    before, after = dataset_level_scores(confusion), dataset_level_scores(better)
    for name in ('IoU', 'F', 'Acc'):
        assert after[name][label] >= before[name][label] - 1e-12
    assert after['aAcc'] > before['aAcc']

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.evaluation import confusion_matrix, dataset_level_scores

CLASSES = 5


def brute_force(pred, label, num_classes=CLASSES, ignore=255):
    counts = [[0] * num_classes for _ in range(num_classes)]
    for p, t in zip(pred, label, strict=True):
        if t != ignore:
            counts[t][p] += 1
    return counts


def brute_scores(pred, label, beta2):
    """The definitions, class by class and pixel by pixel; None where the denominator is 0."""
    pairs = [(p, t) for p, t in zip(pred, label, strict=True) if t != 255]
    scores = []
    for c in range(CLASSES):
        tp = sum(p == c and t == c for p, t in pairs)
        fp = sum(p == c and t != c for p, t in pairs)
        fn = sum(p != c and t == c for p, t in pairs)
        f = None
        if tp:
            precision, recall = tp / (tp + fp), tp / (tp + fn)
            f = (1 + beta2) * precision * recall / (beta2 * precision + recall)
        elif fp or fn:
            f = 0.0
        scores.append(
            dict(
                IoU=tp / (tp + fp + fn) if tp + fp + fn else None,
                F=f,
                FDR=fp / (tp + fp) if tp + fp else None,
                Acc=tp / (tp + fn) if tp + fn else None,
            )
        )
    return scores


pixels = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.sampled_from([*range(CLASSES), 255])), max_size=40)


@given(pixels)
def test_confusion_matrix_against_brute_force(pairs):
    pred, label = [p for p, _ in pairs], [t for _, t in pairs]
    counts = confusion_matrix(torch.tensor(pred, dtype=torch.uint8), torch.tensor(label, dtype=torch.uint8), CLASSES)
    assert counts.dtype == torch.int64
    assert counts.tolist() == brute_force(pred, label)


@settings(deadline=None)
@given(pixels, st.sampled_from([0.3, 1.0, 2.0]))
def test_scores_against_brute_force(pairs, beta2):
    pred, label = [p for p, _ in pairs], [t for _, t in pairs]
    scores = dataset_level_scores(np.array(brute_force(pred, label)), beta2=beta2)
    truth = brute_scores(pred, label, beta2)
    for name in ('IoU', 'F', 'FDR', 'Acc'):
        wanted = [np.nan if c[name] is None else c[name] for c in truth]
        np.testing.assert_allclose(scores[name], wanted, atol=1e-12)
        present = [c[name] for c in truth if c[name] is not None]
        np.testing.assert_allclose(scores['m' + name], np.mean(present) if present else np.nan, atol=1e-12)
        assert scores[f'm{name}_classes'] == len(present)
    zero = dataset_level_scores(np.array(brute_force(pred, label)), absent='zero')
    np.testing.assert_allclose(zero['mIoU'], np.mean([c['IoU'] or 0 for c in truth]), atol=1e-12)
    assert zero['mIoU_classes'] == CLASSES and zero['mFDR_classes'] == scores['mFDR_classes']


def test_rows_are_labels():
    counts = confusion_matrix(torch.tensor([[1, 2], [2, 0]]), torch.tensor([[1, 1], [2, 255]]), 3)
    assert counts.tolist() == [[0, 0, 0], [0, 1, 1], [0, 0, 1]]


@pytest.mark.parametrize('ignore', [0, 255, -1, 3])
def test_ignore_index(ignore):
    label = torch.tensor([1, 2, ignore, ignore])
    counts = confusion_matrix(torch.tensor([1, 1, 0, 2]), label, 3, ignore_index=ignore)
    assert counts.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_all_ignored_or_empty():
    zeros = [[0, 0], [0, 0]]
    assert confusion_matrix(torch.zeros(4), torch.full((4,), 255), 2).tolist() == zeros
    assert confusion_matrix(torch.zeros(0), torch.zeros(0), 2).tolist() == zeros
    scores = dataset_level_scores(np.array(zeros))
    assert all(np.isnan(scores[k]) for k in ('mIoU', 'mF', 'mFDR', 'mAcc', 'aAcc'))


def test_shapes_differ():
    with pytest.raises(ValueError, match=r'prediction \(2, 3\) and label \(3, 2\) differ in shape'):
        confusion_matrix(torch.zeros(2, 3), torch.zeros(3, 2), 2)


@pytest.mark.parametrize(
    ('pred', 'label', 'message'),
    [
        ([3, 0], [0, 0], r'predictions must lie in \[0, 2\].* from 0 to 3'),
        ([255, 0], [0, 0], 'predictions must lie in .* from 0 to 255'),
        ([-1, 0], [0, 0], 'predictions must lie in .* from -1 to 0'),
        ([0, 0], [1, 4], r'labels must lie in \[0, 2\] \(labels may also be 255\), got values from 1 to 4'),
        ([0, 0], [3, 255], 'labels must lie in .* to 3'),  # the first value after the classes
        ([0, 0], [300, 2], r'labels must lie in \[0, 2\] .* from 2 to 300'),
        ([0, 0], [-1, 2], 'labels must lie in .* from -1 to 2'),
    ],
)
def test_values_out_of_range(pred, label, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(torch.tensor(pred), torch.tensor(label), 3)


def test_by_hand():
    """Class 0: 6 of 8 correct. Class 1: 1 of 4 correct, 2 false positives. Class 2 is never predicted, 3 is absent."""
    scores = dataset_level_scores(np.array([[6, 2, 0, 0], [3, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]]), beta2=0.3)
    np.testing.assert_allclose(scores['IoU'], [6 / 13, 1 / 6, 0, np.nan])
    np.testing.assert_allclose(scores['FDR'], [5 / 11, 2 / 3, np.nan, np.nan])
    np.testing.assert_allclose(scores['Acc'], [6 / 8, 1 / 4, 0, np.nan])
    precision, recall = 6 / 11, 6 / 8
    np.testing.assert_allclose(scores['F'][0], 1.3 * precision * recall / (0.3 * precision + recall))
    np.testing.assert_allclose(scores['F'][2:], [0, np.nan])
    np.testing.assert_allclose(scores['mIoU'], (6 / 13 + 1 / 6) / 3)
    np.testing.assert_allclose(scores['mFDR'], (5 / 11 + 2 / 3) / 2)
    np.testing.assert_allclose(scores['aAcc'], 7 / 14)
    assert [scores[f'm{name}_classes'] for name in ('IoU', 'F', 'FDR', 'Acc')] == [3, 3, 2, 3]


def test_mfdr_improves_when_a_class_is_no_longer_predicted():
    """The number of classes shows why: mFDR is then the mean over the other classes."""
    before = dataset_level_scores(np.array([[8, 0, 2], [0, 9, 1], [3, 3, 2]]))
    after = dataset_level_scores(np.array([[10, 0, 0], [0, 10, 0], [4, 4, 0]]))
    assert after['mFDR'] < before['mFDR']
    assert (before['mFDR_classes'], after['mFDR_classes']) == (3, 2)
    assert before['mIoU_classes'] == after['mIoU_classes'] == 3


def test_perfect_and_worst():
    perfect = dataset_level_scores(np.diag([5, 3, 2]))
    worst = dataset_level_scores(np.array([[0, 5], [3, 0]]))
    for name, best in (('mIoU', 1), ('mF', 1), ('mFDR', 0), ('mAcc', 1), ('aAcc', 1)):
        assert perfect[name] == best
        assert worst[name] == 1 - best


def test_unknown_choice_of_absent():
    with pytest.raises(ValueError, match="absent must be one of skip, zero, got 'nan'"):
        dataset_level_scores(np.eye(2), absent='nan')


def test_golden_dataset_metrics(golden_file):
    golden = np.load(golden_file('dataset_metrics.npz'))
    n = int(golden['num_classes'])
    counts = confusion_matrix(torch.from_numpy(golden['pred']), torch.from_numpy(golden['label']), n).numpy()
    np.testing.assert_array_equal(counts, golden['confusion'])
    f03 = dataset_level_scores(counts, beta2=0.3, absent='zero')
    f1 = dataset_level_scores(counts, beta2=1.0, absent='zero')
    np.testing.assert_allclose(np.nan_to_num(f03['IoU']), golden['iou'], atol=1e-4)
    for name, value in (('miou', f03['mIoU']), ('fdr', f03['mFDR']), ('f03', f03['mF']), ('f1', f1['mF'])):
        np.testing.assert_allclose(value, golden[name], atol=1e-4, err_msg=name)
    np.testing.assert_allclose(f03['aAcc'], golden['acc'], atol=1e-4)


def test_first_label_after_the_classes_with_negative_ignore_index():
    with pytest.raises(ValueError, match='labels must lie in .* to 3'):
        confusion_matrix(torch.tensor([0, 1]), torch.tensor([3, -100]), 3, ignore_index=-100)

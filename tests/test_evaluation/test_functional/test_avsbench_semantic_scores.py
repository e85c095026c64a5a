import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from mmavs.evaluation import count_classes, semantic_scores

CLASSES = 5
predictions = st_numpy.arrays(np.int64, (3, 4), elements=st.integers(0, CLASSES - 1))
labels = st_numpy.arrays(np.int64, (3, 4), elements=st.sampled_from([*range(CLASSES), 255]))
frame_lists = st.lists(st.tuples(predictions, labels), min_size=1, max_size=5)
MEANS = ('mIoU', 'mF', 'mIoU_no_background', 'mF_no_background')


def count(frames):
    return [count_classes(torch.from_numpy(p), torch.from_numpy(y), CLASSES) for p, y in frames]


def brute_force(frames, beta2):
    """The definition, class by class and frame by frame: sums of IoU and F per class, and the frames with the class."""
    ious, fs, counts = np.zeros(CLASSES), np.zeros(CLASSES), np.zeros(CLASSES, dtype=int)
    for c in range(CLASSES):
        for pred, label in frames:
            pairs = [(p == c, t == c) for p, t in zip(pred.ravel(), label.ravel(), strict=True) if t != 255]
            either, both = sum(p or t for p, t in pairs), sum(p and t for p, t in pairs)
            if not either:
                continue
            counts[c] += 1
            ious[c] += both / either
            if both:
                precision, recall = both / sum(p for p, _ in pairs), both / sum(t for _, t in pairs)
                fs[c] += (1 + beta2) * precision * recall / (beta2 * precision + recall)
    return ious, fs, counts


@settings(max_examples=60)
@given(frame_lists, st.sampled_from([0.3, 1.0]), st.randoms(use_true_random=False))
def test_scores_against_brute_force_in_any_order(frames, beta2, random):
    ious, fs, counts = brute_force(frames, beta2)
    counted = count(frames)
    random.shuffle(counted)
    scores = semantic_scores(counted, CLASSES, beta2=beta2)
    np.testing.assert_array_equal(scores['frames'], counts)
    np.testing.assert_allclose(scores['iou_sum'], ious, atol=1e-12)
    np.testing.assert_allclose(scores['f_sum'], fs, atol=1e-12)
    if not counts.any():
        assert all(np.isnan(scores[name]) for name in MEANS)
        return
    iou, f = ious / np.maximum(counts, 1), fs / np.maximum(counts, 1)
    wanted = [iou.mean(), f.mean(), iou[1:].mean(), f[1:].mean()]
    np.testing.assert_allclose([scores[name] for name in MEANS], wanted, atol=1e-12)


def test_by_hand():
    """Class 1 is half correct in a frame, not predicted in another, absent in a third; class 2 is a false positive."""
    frames = [
        (np.array([[0, 0, 1, 0]]), np.array([[0, 0, 1, 1]])),
        (np.array([[0, 0, 2, 2]]), np.array([[0, 0, 1, 255]])),
        (np.array([[0, 0, 0, 0]]), np.array([[0, 0, 0, 0]])),
    ]
    scores = semantic_scores(count(frames), CLASSES)
    precision, recall = 1, 1 / 2
    f = 1.3 * precision * recall / (0.3 * precision + recall)
    background_f = 1.3 * (2 / 3) / (0.3 * 2 / 3 + 1)
    assert scores['frames'].tolist() == [3, 2, 1, 0, 0]
    np.testing.assert_allclose(scores['IoU'], [(2 / 3 + 1 + 1) / 3, 1 / 4, 0, 0, 0])
    np.testing.assert_allclose(scores['F'], [(background_f + 2) / 3, f / 2, 0, 0, 0])
    assert scores['mIoU_no_background'] == pytest.approx(1 / 4 / 4)


def test_frames_of_different_sizes_have_equal_weight():
    small, large = (np.array([[1]]), np.array([[1]])), (np.zeros((9, 9), int), np.ones((9, 9), int))
    scores = semantic_scores(count([small, large]), CLASSES)
    assert scores['IoU'][1] == 0.5


def test_frames_without_annotation_are_left_out():
    frame = (np.array([[1, 0]]), np.array([[1, 1]]))
    unannotated = (np.array([[1, 0]]), np.array([[255, 255]]))
    np.testing.assert_equal(
        semantic_scores(count([frame, unannotated]), CLASSES), semantic_scores(count([frame]), CLASSES)
    )


def test_perfect_and_worst():
    label = np.arange(CLASSES)[None]
    perfect, worst = (semantic_scores(count([(pred, label)]), CLASSES) for pred in (label, (label + 1) % CLASSES))
    assert [perfect[name] for name in MEANS] == [1] * 4
    assert [worst[name] for name in MEANS] == [0] * 4


def test_counts_hold_only_the_classes_of_a_frame():
    counts = count_classes(torch.tensor([[0, 3]]), torch.tensor([[0, 255]]), 71)
    assert [values.tolist() for values in counts] == [[0], [1], [1], [1]]


@pytest.mark.parametrize('label', [[[5, 0]], [[-1, 0]]])
def test_labels_out_of_range(label):
    with pytest.raises(ValueError, match=r'labels must lie in \[0, 4\]'):
        count_classes(torch.zeros(1, 2), torch.tensor(label), CLASSES)


def test_golden_avss_metrics(golden_file):
    golden = np.load(golden_file('avss_metrics.npz'))
    logits, labels = torch.from_numpy(golden['logits']), torch.from_numpy(golden['gt'])
    num_classes = logits.shape[1]
    counts = [count_classes(x.argmax(dim=0), y, num_classes) for x, y in zip(logits, labels, strict=True)]
    scores = semantic_scores(counts, num_classes)
    for ours, recorded in dict(
        iou_sum='iou_sum',
        f_sum='fscore_sum',
        frames='cls_count',
        IoU='iou_per_class',
        F='fscore_per_class',
        mIoU='miou',
        mIoU_no_background='miou_noBg',
        mF='fscore',
    ).items():
        np.testing.assert_allclose(scores[ours], golden[recorded], rtol=0, atol=1e-5, err_msg=ours)

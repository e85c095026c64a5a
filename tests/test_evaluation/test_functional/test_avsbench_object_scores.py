import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from mmavs.evaluation import FrameScore, f_curve, foreground_probability, jaccard, object_scores, threshold_counts
from mmavs.evaluation.functional.avsbench_object import f_thresholds

SHAPE = (4, 5)
THRESHOLDS = torch.linspace(0, 1 - 1e-10, 255).numpy()  # as the protocol defines them, in float32
# Ties are the difficult case for a histogram: half of the pixels lie on a threshold or one bit beside it.
on_threshold = st.sampled_from(THRESHOLDS)
values = st.one_of(
    st.floats(0, 1, width=32),
    on_threshold,
    on_threshold.map(lambda t: np.nextafter(t, np.float32(0))),
    on_threshold.map(lambda t: min(np.nextafter(t, np.float32(2)), np.float32(1))),
).map(float)
probabilities = st_numpy.arrays(np.float32, SHAPE, elements=values)
labels = st_numpy.arrays(np.int64, SHAPE, elements=st.sampled_from([0, 1, 255]))
frames = st.tuples(probabilities, labels)


def loop_counts(probability, label):
    """The definition: one threshold after the other."""
    known = label != 255
    predicted = [probability[known] >= t for t in THRESHOLDS]
    hits = [int((p & (label[known] == 1)).sum()) for p in predicted]
    return hits, [int(p.sum()) for p in predicted], int((label == 1).sum())


def loop_f(probability, label, beta2=0.3):
    """F from precision and recall; None for a frame without an object."""
    hits, predicted, labeled = loop_counts(probability, label)
    if not labeled:
        return None
    curve = []
    for h, p in zip(hits, predicted, strict=True):
        precision, recall = (h / p if p else 0), h / labeled
        curve.append((1 + beta2) * precision * recall / (beta2 * precision + recall) if h else 0)
    return np.array(curve)


def loop_j(pred, label):
    pairs = [(bool(p), int(t)) for p, t in zip(pred.ravel(), label.ravel(), strict=True) if t != 255]
    if not pairs:
        return None
    if not any(t for _, t in pairs):
        return sum(not p for p, _ in pairs) / len(pairs)
    return sum(p and t == 1 for p, t in pairs) / sum(p or t == 1 for p, t in pairs)


def loop_scores(scored, empty_clip='skip'):
    """From [(clip, J, curve)]: J, F_max_per_clip, F_max_over_set, and the frames of J and F and clips of F."""

    def best(curves):
        return max(np.mean([c[i] for c in curves]) for i in range(255)) if curves else np.nan

    scored = [s for s in scored if s[1] is not None]
    clips = {clip: [c for k, _, c in scored if k == clip and c is not None] for clip, _, _ in scored}
    maxima = [best(curves) for curves in clips.values()]
    maxima = [0 if np.isnan(m) else m for m in maxima] if empty_clip == 'zero' else [m for m in maxima if m == m]
    js = [j for _, j, _ in scored]
    all_curves = [c for _, _, c in scored if c is not None]
    counts = [len(js), len(all_curves), len(maxima)]
    return [np.mean(js) if js else np.nan, np.mean(maxima) if maxima else np.nan, best(all_curves), *counts]


def score(clip, probability, label):
    hits, predicted, labeled = threshold_counts(torch.from_numpy(probability), torch.from_numpy(label))
    curve = f_curve(hits, predicted, labeled).numpy() if labeled else None
    j = jaccard(torch.from_numpy(probability > 0.5), torch.from_numpy(label))
    return FrameScore(clip, None, j, curve)


def test_thresholds_are_those_of_the_protocol():
    assert torch.equal(f_thresholds(), torch.linspace(0, 1 - 1e-10, 255))


@settings(max_examples=40)
@given(frames)
def test_counts_equal_the_loop_over_thresholds(frame):
    hits, predicted, labeled = threshold_counts(*(torch.from_numpy(a) for a in frame))
    assert hits.dtype == predicted.dtype == torch.int64
    assert (hits.tolist(), predicted.tolist(), labeled.item()) == loop_counts(*frame)


def test_counts_equal_the_loop_on_a_frame_of_full_size():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 224, 224, generator=generator)
    label = torch.randint(0, 3, (224, 224), generator=generator)
    label[label == 2] = 255
    probability = foreground_probability(logits)
    hits, predicted, labeled = threshold_counts(probability, label)
    assert (hits.tolist(), predicted.tolist(), labeled.item()) == loop_counts(probability.numpy(), label.numpy())


@settings(max_examples=40)
@given(frames, st.sampled_from([0.3, 1.0]))
def test_f_against_precision_and_recall(frame, beta2):
    counts = threshold_counts(*(torch.from_numpy(a) for a in frame))
    wanted = loop_f(*frame, beta2=beta2)
    if wanted is not None:
        np.testing.assert_allclose(f_curve(*counts, beta2=beta2), wanted, atol=1e-12)


@settings(max_examples=40)
@given(frames)
def test_j_against_brute_force(frame):
    pred, label = frame[0] > 0.5, frame[1]
    assert jaccard(torch.from_numpy(pred), torch.from_numpy(label)) == pytest.approx(loop_j(pred, label), abs=1e-12)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from('ab'), probabilities, labels), max_size=6),
    st.sampled_from(['skip', 'zero']),
    st.randoms(use_true_random=False),
)
def test_scores_against_brute_force_in_any_order(clips, empty_clip, random):
    wanted = loop_scores([(clip, loop_j(p > 0.5, y), loop_f(p, y)) for clip, p, y in clips], empty_clip)
    scored = [score(*frame) for frame in clips]
    random.shuffle(scored)
    found = object_scores(scored, empty_clip=empty_clip)
    assert list(found) == ['J', 'F_max_per_clip', 'F_max_over_set', 'J_frames', 'F_frames', 'F_clips']
    np.testing.assert_allclose(list(found.values()), wanted, atol=1e-9)


@settings(max_examples=40)
@given(st.lists(st.tuples(probabilities, labels), min_size=1, max_size=5))
def test_each_frame_without_clip_counts_as_a_clip(pairs):
    single = object_scores([score(None, *pair) for pair in pairs])
    named = object_scores([score(str(i), *pair) for i, pair in enumerate(pairs)])
    one_clip = object_scores([score('a', *pair) for pair in pairs])
    np.testing.assert_equal(single, named)
    np.testing.assert_equal(one_clip['F_max_per_clip'], one_clip['F_max_over_set'])
    if not np.isnan(single['F_max_over_set']):  # each frame with its own best threshold
        assert single['F_max_per_clip'] >= single['F_max_over_set'] - 1e-12


def test_by_hand():
    """Object 0.9 and 0.6, background 0.7 and 0.1: up to 0.6, 2 of 3 are correct, up to 0.7, 1 of 2, above, 1 of 1."""
    probability = torch.tensor([[0.9, 0.6], [0.7, 0.1]])
    label = torch.tensor([[1, 1], [0, 0]])
    curve = f_curve(*threshold_counts(probability, label)).numpy()

    def f(precision, recall):
        return 1.3 * precision * recall / (0.3 * precision + recall)

    at = np.searchsorted(THRESHOLDS, [0.05, 0.5, 0.65, 0.8, 0.95])
    np.testing.assert_allclose(curve[at], [f(1 / 2, 1), f(2 / 3, 1), f(1 / 2, 1 / 2), f(1, 1 / 2), 0])
    assert jaccard(probability > 0.5, label) == pytest.approx(2 / 3)
    scores = object_scores([FrameScore('a', 0, 2 / 3, curve)])
    assert scores['F_max_per_clip'] == pytest.approx(f(1, 1 / 2))


def test_the_two_f_differ_where_the_best_thresholds_of_clips_differ():
    low, high = np.zeros(255), np.zeros(255)
    low[10], high[200] = 1, 1
    scores = object_scores([FrameScore('a', 0, 1, low), FrameScore('b', 0, 1, high)])
    assert (scores['F_max_per_clip'], scores['F_max_over_set']) == (1, 0.5)


def test_j_counts_frames_with_empty_ground_truth_and_f_leaves_them_out():
    label = torch.zeros(2, 2, dtype=torch.int64)
    pred = torch.tensor([[True, False], [False, False]])
    assert jaccard(pred, label) == 0.75
    label[1, 0] = label[1, 1] = 255
    assert jaccard(pred, label) == 0.5
    curve = np.full(255, 0.4)
    scored = [FrameScore('a', 0, 1, curve), FrameScore('a', 1, 0, None), FrameScore('b', 0, 0.5, None)]
    counts = dict(J_frames=3, F_frames=1)
    skip, zero = (object_scores(scored, empty_clip=choice) for choice in ('skip', 'zero'))
    assert skip == pytest.approx(dict(J=0.5, F_max_per_clip=0.4, F_max_over_set=0.4, F_clips=1, **counts))
    assert zero == pytest.approx(dict(J=0.5, F_max_per_clip=0.2, F_max_over_set=0.4, F_clips=2, **counts))


def test_frames_without_annotation_are_left_out():
    ignored = torch.full((2, 2), 255)
    assert jaccard(torch.ones(2, 2, dtype=torch.bool), ignored) is None
    unannotated = FrameScore('b', 0, None, None)
    first = FrameScore('a', 0, 0.5, np.full(255, 0.4))
    for empty_clip in ('skip', 'zero'):
        assert object_scores([first, unannotated], empty_clip=empty_clip) == object_scores([first])
    for nothing in ([unannotated], []):
        scores = object_scores(nothing)
        assert all(np.isnan(scores[name]) for name in ('J', 'F_max_per_clip', 'F_max_over_set'))
        assert scores['J_frames'] == scores['F_frames'] == scores['F_clips'] == 0


def test_perfect_and_worst():
    label = np.array([[0, 1], [1, 0]])
    perfect = object_scores([score('a', label.astype(np.float32), label)])
    worst = object_scores([score('a', 1 - label.astype(np.float32), label)])
    assert [perfect[name] for name in ('J', 'F_max_per_clip', 'F_max_over_set')] == pytest.approx([1] * 3, abs=1e-12)
    assert worst['J'] == 0
    assert worst['F_max_per_clip'] == pytest.approx(1.3 * 0.5 / (0.3 * 0.5 + 1))  # at threshold 0


def test_probability_of_two_channels_and_of_one():
    logits = torch.tensor([[[0.0, 1.0]], [[0.0, -1.0]]])
    torch.testing.assert_close(foreground_probability(logits), torch.sigmoid(torch.tensor([[0.0, -2.0]])))
    single = torch.tensor([[[0.0, 0.25, 1.0]]])
    assert torch.equal(foreground_probability(single), single[0])
    assert foreground_probability(logits.half()).dtype == torch.float32


@pytest.mark.parametrize(
    ('logits', 'message'),
    [
        (torch.zeros(71, 2, 2), r'shape \(2, H, W\) .* or \(1, H, W\), got \(71, 2, 2\); set num_classes=2'),
        (torch.zeros(2, 2), r'got \(2, 2\)'),
        (torch.full((2, 2, 2), torch.nan), 'probabilities from nan to nan'),
        (torch.full((2, 2, 2), torch.inf), 'probabilities from nan'),
        (torch.full((1, 2, 2), -3.0), 'probabilities from -3'),
    ],
)
def test_bad_logits(logits, message):
    with pytest.raises(ValueError, match=message):
        foreground_probability(logits)


@pytest.mark.parametrize(
    ('label', 'message'),
    [
        (torch.tensor([[0, 7]]), r'labels must be 0, 1 or 255 \(ignored\), got values from 0 to 7.*binary labels'),
        (torch.tensor([[0], [1]]), r'prediction \(1, 2\) and label \(2, 1\) differ in shape'),
    ],
)
def test_bad_labels(label, message):
    with pytest.raises(ValueError, match=message):
        threshold_counts(torch.zeros(1, 2), label)
    with pytest.raises(ValueError, match=message):
        jaccard(torch.zeros(1, 2, dtype=torch.bool), label)


def test_unknown_choice_of_empty_clip():
    with pytest.raises(ValueError, match="empty_clip must be one of skip, zero, got 'one'"):
        object_scores([], empty_clip='one')


def test_golden_avsbench_object_metrics(golden_file):
    golden = np.load(golden_file('avsbench_object_metrics.npz'))
    scored = []
    for logits, label in zip(torch.from_numpy(golden['logits']), torch.from_numpy(golden['gt']), strict=True):
        hits, predicted, labeled = threshold_counts(foreground_probability(logits), label)
        curve = f_curve(hits, predicted, labeled).numpy() if labeled else None
        scored.append(FrameScore('all', None, jaccard(logits[1] > logits[0], label), curve))
    scores = object_scores(scored)
    np.testing.assert_allclose(scores['J'], golden['mask_iou'], rtol=0, atol=1e-5)
    for name in ('F_max_per_clip', 'F_max_over_set'):  # recorded as one clip
        np.testing.assert_allclose(scores[name], golden['f_measure'], rtol=0, atol=1e-5)

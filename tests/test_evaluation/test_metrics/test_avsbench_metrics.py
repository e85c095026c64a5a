"""The metrics of AVSBench's two protocols in an evaluator, together with the dataset-level metric."""

import json
import logging

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample

from mmavs.evaluation import (
    FrameScore,
    count_classes,
    f_curve,
    foreground_probability,
    jaccard,
    object_scores,
    semantic_scores,
    threshold_counts,
)
from mmavs.evaluation.metrics import avsbench_object_metric, avsbench_semantic_metric

ALL = [dict(type='DatasetLevelMetric'), dict(type='AVSBenchObjectMetric'), dict(type='AVSBenchSemanticMetric')]
CLIPS = ('a', 'a', 'b', 'a', 'b', None, 'c', 'c', 'b')
OBJECT_NAMES = [f'avsbench_object/{name}' for name in ('J', 'F_max_per_clip', 'F_max_over_set')]
OBJECT_COUNTS = [f'avsbench_object/{name}' for name in ('J_frames', 'F_frames', 'F_clips')]
SEMANTIC_NAMES = [
    f'avsbench_semantic/frame_{name}' for name in ('mIoU', 'mIoU_no_background', 'mF', 'mF_no_background')
]
SEMANTIC_COUNTS = [f'{name}_classes' for name in SEMANTIC_NAMES]
DATASET_NAMES = ['mIoU', 'mF', 'mFDR', 'mAcc', 'aAcc']
DATASET_COUNTS = [f'{name}_classes' for name in DATASET_NAMES[:4]]


def make_samples(classes=2):
    """Frames of interleaved clips: one without annotation, one without an object, some pixels ignored."""
    generator = torch.Generator().manual_seed(0)
    samples = []
    for i, clip in enumerate(CLIPS):
        size = (6, 7 + i)
        logits = torch.randn(classes, *size, generator=generator)
        label = torch.randint(0, classes, (1, *size), generator=generator)
        logits.scatter_add_(0, label, torch.ones(1, *size))  # better than chance
        label[0, 0] = 255
        label = label.fill_(255) if i == 3 else label.mul_(label == 255) if i == 4 else label
        sample = SegDataSample(metainfo=dict(img_path=f'{i}.png', seg_map_path=f'mask/{i}.png'))
        if clip is not None:
            sample.set_metainfo(dict(clip=clip, frame=i))
        sample.set_data(
            dict(
                seg_logits=PixelData(data=logits),
                pred_sem_seg=PixelData(data=logits.argmax(dim=0, keepdim=True)),
                gt_sem_seg=PixelData(data=label),
            )
        )
        samples.append(sample)
    return samples


def evaluate(samples, metrics=ALL, batch_size=2, classes=2, total=None):
    """The results; ``total`` is the number of frames of all processes."""
    evaluator = Evaluator([dict(metric) for metric in metrics])
    evaluator.dataset_meta = dict(classes=[str(i) for i in range(classes)])
    for start in range(0, len(samples), batch_size):
        evaluator.process(samples[start : start + batch_size])
    return evaluator.evaluate(total or len(samples))


def test_results_of_three_metrics_have_different_names():
    results = evaluate(make_samples())
    json.dumps(results)
    names = [DATASET_NAMES, DATASET_COUNTS, OBJECT_NAMES, OBJECT_COUNTS, SEMANTIC_NAMES, SEMANTIC_COUNTS]
    assert list(results) == sum(names, [])
    shares = [results[name] for name in DATASET_NAMES + OBJECT_NAMES + SEMANTIC_NAMES]
    assert all(0 < value < 100 for value in shares) and len(set(shares)) == len(shares)
    assert [results[name] for name in OBJECT_COUNTS] == [8, 7, 4]
    assert [results[name] for name in SEMANTIC_COUNTS] == [2, 1, 2, 1]


def test_equals_the_pure_functions():
    samples = make_samples()
    frames, counts = [], []
    for clip, sample in zip(CLIPS, samples, strict=True):
        logits, label = sample.seg_logits.data, sample.gt_sem_seg.data[0]
        hits, predicted, labeled = threshold_counts(foreground_probability(logits), label)
        curve = f_curve(hits, predicted, labeled).numpy() if labeled else None
        frames.append(FrameScore(clip, None, jaccard(logits.argmax(dim=0) == 1, label), curve))
        counts.append(count_classes(logits.argmax(dim=0), label, 2))
    results = evaluate(samples)
    scores = object_scores(frames)
    for name in ('J', 'F_max_per_clip', 'F_max_over_set'):
        assert results[f'avsbench_object/{name}'] == pytest.approx(100 * scores[name], abs=0.0051), name
    scores = semantic_scores(counts, 2)
    for name in ('mIoU', 'mIoU_no_background', 'mF', 'mF_no_background'):
        assert results[f'avsbench_semantic/frame_{name}'] == pytest.approx(100 * scores[name], abs=0.0051), name


@pytest.mark.parametrize('batch_size', [1, 4, len(CLIPS)])
def test_neither_batch_size_nor_order_matters(batch_size):
    """AVSBench's code takes the maximum over thresholds of each batch instead."""
    order = np.random.RandomState(batch_size).permutation(len(CLIPS))
    samples = make_samples()
    assert evaluate([samples[i] for i in order], batch_size=batch_size) == evaluate(samples)


def test_frames_of_equal_clip_names_are_one_clip():
    samples = make_samples()
    names = ('avsbench_object/F_max_per_clip', 'avsbench_object/F_max_over_set')
    first = evaluate(samples)
    for sample in samples:
        sample.set_metainfo(dict(clip='one'))
    second = evaluate(samples)
    assert first[names[0]] > first[names[1]] == second[names[1]] == second[names[0]]


def test_frames_without_annotation_and_without_object():
    samples = make_samples()
    kept = [s for i, s in enumerate(samples) if i != 3]
    assert evaluate(kept) == evaluate(samples)
    objects = [s for i, s in enumerate(samples) if i not in (3, 4)]
    first, second = evaluate(samples), evaluate(objects)
    for name, same in zip(OBJECT_NAMES, (False, True, True), strict=True):
        assert (first[name] == second[name]) == same, name


def test_a_clip_without_any_object():
    samples = make_samples()
    for sample in samples[6:8]:
        sample.gt_sem_seg.data.mul_(sample.gt_sem_seg.data == 255)
    skip, zero = (
        evaluate(samples, [dict(type='AVSBenchObjectMetric', empty_clip=choice)]) for choice in ('skip', 'zero')
    )
    name = 'avsbench_object/F_max_per_clip'
    assert zero.pop(name) == pytest.approx(skip.pop(name) * 3 / 4, abs=0.01)  # of a, b, c and the single frame
    assert (skip.pop('avsbench_object/F_clips'), zero.pop('avsbench_object/F_clips')) == (3, 4)
    assert zero == skip


def test_single_output():
    """mmseg returns the probability, and a prediction at the threshold of the head, which J does not use."""
    samples = make_samples()
    (wanted,) = [evaluate(samples, [dict(type='AVSBenchObjectMetric')])]
    for sample in samples:
        probability = sample.seg_logits.data.softmax(dim=0)[1:]
        sample.seg_logits.data = probability
        sample.pred_sem_seg.data = (probability > 0.3).float()
    assert evaluate(samples, [dict(type='AVSBenchObjectMetric')]) == wanted


def test_more_classes():
    samples = make_samples(classes=5)
    results = evaluate(samples, [ALL[0], ALL[2]], classes=5)
    assert list(results) == DATASET_NAMES + DATASET_COUNTS + SEMANTIC_NAMES + SEMANTIC_COUNTS
    wider = evaluate(samples, [ALL[0], ALL[2]], classes=10)
    assert wider['mIoU'] == results['mIoU']
    assert wider[SEMANTIC_NAMES[0]] == pytest.approx(results[SEMANTIC_NAMES[0]] / 2, abs=0.01)  # 5 unseen classes


def test_ignore_index():
    samples = make_samples()
    first = evaluate(samples, [dict(metric, ignore_index=255) for metric in ALL])
    for sample in samples:
        label = sample.gt_sem_seg.data
        label[label == 255] = 200
    assert evaluate(samples, [dict(metric, ignore_index=200) for metric in ALL]) == first


def test_beta2():
    for metric, name in zip(ALL[1:], ('avsbench_object/F_max_over_set', 'avsbench_semantic/frame_mF'), strict=True):
        samples = make_samples()
        assert evaluate(samples, [metric])[name] != evaluate(samples, [dict(metric, beta2=1.0)])[name]


def test_prefix():
    for metric in ALL[1:]:
        assert {n.split('/')[0] for n in evaluate(make_samples(), [dict(metric, prefix='own')])} == {'own'}


def test_memory_of_a_result_does_not_depend_on_the_size_of_the_frame():
    sample = make_samples()[0].to_dict()
    size = (300, 400)
    sample['seg_logits']['data'] = torch.randn(2, *size)
    sample['pred_sem_seg']['data'] = sample['seg_logits']['data'].argmax(dim=0, keepdim=True)
    sample['gt_sem_seg']['data'] = torch.randint(0, 2, (1, *size))
    for metric in ALL[1:]:
        metric = METRICS.build(metric)
        metric.dataset_meta = dict(classes=('background', 'object'))
        metric.process({}, [sample])
        (kept,) = metric.results
        assert sum(getattr(value, 'nbytes', 0) for value in kept) <= 1024


def logged(monkeypatch, module):
    texts = []
    monkeypatch.setattr(module, 'print_log', lambda text, logger=None, level=logging.INFO: texts.append((level, text)))
    return texts


def test_log_has_the_numbers_of_frames_and_clips(monkeypatch):
    texts = logged(monkeypatch, avsbench_object_metric)
    evaluate(make_samples())
    assert texts == [
        (
            logging.INFO,
            'AVSBench object protocol: 9 frames, 8 annotated. J is the mean over 8 frames, including 1 whose ground '
            'truth is empty; F is the mean over 7 frames, without these. 4 clips, including 1 single frames without '
            'a clip. Compare these means over frames with the cited rows of Table 1 of the paper.',
        )
    ]


@pytest.mark.parametrize('choice', ['skip', 'zero'])
def test_log_has_the_number_of_clips_without_object(monkeypatch, choice):
    """These are the clip of frames 6 and 7 and the single frame 5."""
    texts = logged(monkeypatch, avsbench_object_metric)
    samples = make_samples()
    for sample in samples[5:8]:
        sample.gt_sem_seg.data.mul_(sample.gt_sem_seg.data == 255)
    evaluate(samples, [dict(type='AVSBenchObjectMetric', empty_clip=choice)])
    assert f"without a clip; 2 without an object in any frame (empty_clip='{choice}'). Compare" in texts[0][1]


def test_by_default_a_clip_without_any_object_is_left_out():
    samples = make_samples()
    for sample in samples[6:8]:
        sample.gt_sem_seg.data.mul_(sample.gt_sem_seg.data == 255)
    name = 'avsbench_object/F_max_per_clip'
    others = samples[:6] + samples[8:]
    assert evaluate(samples, [ALL[1]])[name] == evaluate(others, [ALL[1]])[name]


def test_warns_of_frames_scored_twice(monkeypatch):
    texts = logged(monkeypatch, avsbench_object_metric)
    samples = make_samples()
    evaluate([*samples, samples[2], samples[5]])
    ((_, text),) = [entry for entry in texts if entry[0] == logging.WARNING]
    assert text.startswith("1 frames were scored more than once, the first is frame 2 of clip 'b'.")


def test_table_of_classes(monkeypatch):
    texts = logged(monkeypatch, avsbench_semantic_metric)
    results = evaluate(make_samples(classes=3), [ALL[2]], classes=4)
    ((_, text),) = texts
    assert text.startswith('AVSBench semantic protocol, means over frames per class, in %:')
    rows = {line.split()[1]: line.replace('|', ' ').split()[1:] for line in text.splitlines() if '|' in line}
    assert rows['class'] == ['IoU', 'F', 'frames']
    assert rows['3'] == ['0.00', '0.00', '0'] and rows['0'][2] == '8'
    assert rows['classes'] == ['in', 'the', 'mean', '4', '4'] and 'counted as 0: 1\nCompare' in text
    mean = np.mean([float(rows[name][0]) for name in '0123'])
    assert results['avsbench_semantic/frame_mIoU'] == pytest.approx(mean, abs=0.01)


@pytest.mark.parametrize('index', [1, 2])
def test_errors_name_the_sample(index):
    samples = make_samples()
    samples[7].gt_sem_seg.data[0, 2, 2] = 9
    with pytest.raises(ValueError, match='mask/7.png: labels must'):
        evaluate(samples, [ALL[index]])


def test_logits_that_do_not_belong_to_the_prediction():
    samples = make_samples()
    samples[2].pred_sem_seg.data = 1 - samples[2].pred_sem_seg.data
    with pytest.raises(ValueError, match=r'mask/2.png: pred_sem_seg is not the argmax .*AVSegTTAModel'):
        evaluate(samples, [ALL[1]])


def test_object_protocol_of_a_semantic_model():
    with pytest.raises(ValueError, match=r'mask/0.png: the object protocol needs .* got \(5, 6, 7\)'):
        evaluate(make_samples(classes=5), [ALL[1]], classes=5)


def test_bad_arguments():
    with pytest.raises(ValueError, match="AVSBenchObjectMetric: empty_clip must be one of skip, zero, got 'drop'"):
        METRICS.build(dict(type='AVSBenchObjectMetric', empty_clip='drop'))

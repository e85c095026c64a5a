import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmseg.registry import METRICS
from PIL import Image

from mmavs.evaluation import DatasetLevelMetric, confusion_matrix, dataset_level_scores
from mmavs.evaluation.metrics import dataset_level_metric

CLASSES = ('background', 'cat', 'dog', 'zebra')
NUM_SAMPLES = 6
SHARES = ('mIoU', 'mF', 'mFDR', 'mAcc', 'aAcc')
COUNTS = ('mIoU_classes', 'mF_classes', 'mFDR_classes', 'mAcc_classes')


@pytest.fixture
def samples():
    """The class zebra is absent, dog is never predicted."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for i in range(NUM_SAMPLES):
        label = torch.randint(0, 3, (1, 8, 9 + i), generator=generator)
        label[0, 0] = 255
        found.append(
            dict(
                pred_sem_seg=dict(data=torch.randint(0, 2, label.shape, generator=generator)),
                gt_sem_seg=dict(data=label),
                img_path=f'data/{i}.jpg',
                seg_map_path=f'mask/{i}_7.png',
            )
        )
    return found


def evaluate(samples, batch_size=2, **kwargs):
    metric = DatasetLevelMetric(**kwargs)
    metric.dataset_meta = dict(classes=CLASSES)
    for start in range(0, len(samples), batch_size):
        metric.process({}, samples[start : start + batch_size])
    return metric.evaluate(len(samples))


def all_pixels(samples):
    return (torch.cat([s[key]['data'].flatten() for s in samples]) for key in ('pred_sem_seg', 'gt_sem_seg'))


@pytest.mark.parametrize('kwargs', [{}, dict(absent='zero'), dict(beta2=1.0)])
def test_equals_one_confusion_matrix_of_all_pixels(samples, kwargs):
    pred, label = all_pixels(samples)
    truth = dataset_level_scores(confusion_matrix(pred, label, len(CLASSES)).numpy(), **kwargs)
    results = evaluate(samples, **kwargs)
    assert tuple(results) == SHARES + COUNTS
    for name in SHARES:
        assert results[name] == pytest.approx(100 * truth[name], abs=0.0051), name
    for name in COUNTS:
        assert results[name] == truth[name] and type(results[name]) is int, name  # JSON takes no numpy integers


def test_absent_class_lowers_only_miou(samples):
    skip, zero = evaluate(samples), evaluate(samples, absent='zero')
    assert (skip.pop('mIoU_classes'), zero.pop('mIoU_classes')) == (3, 4)
    assert zero.pop('mIoU') == pytest.approx(skip.pop('mIoU') * 3 / 4, abs=0.01)
    assert zero == skip


@pytest.mark.parametrize('batch_size', [1, 4, NUM_SAMPLES])
def test_batch_size_does_not_matter(samples, batch_size):
    assert evaluate(samples, batch_size) == evaluate(samples[::-1], 3)


def test_not_the_mean_of_the_samples(samples):
    """A dataset-level metric counts pixels, so that a larger image has a larger weight."""
    small = dict(
        samples[0],
        pred_sem_seg=dict(data=torch.ones(1, 1, 2, dtype=torch.int64)),
        gt_sem_seg=dict(data=torch.ones(1, 1, 2, dtype=torch.int64)),
    )
    large = dict(
        samples[0],
        pred_sem_seg=dict(data=torch.zeros(1, 2, 3, dtype=torch.int64)),
        gt_sem_seg=dict(data=torch.ones(1, 2, 3, dtype=torch.int64)),
    )
    assert evaluate([small, large])['aAcc'] == 25


def test_perfect(samples):
    for s in samples:
        s['pred_sem_seg']['data'] = s['gt_sem_seg']['data'].clamp(max=2)
    assert evaluate(samples) == dict(mIoU=100, mF=100, mFDR=0, mAcc=100, aAcc=100) | dict.fromkeys(COUNTS, 3)


def test_ignore_index(samples):
    """With the background ignored, predictions there do not count."""
    for s in samples:
        s['gt_sem_seg']['data'][s['gt_sem_seg']['data'] == 255] = 0
    first = evaluate(samples, ignore_index=0)
    for s in samples:
        s['pred_sem_seg']['data'][s['gt_sem_seg']['data'] == 0] = 3
    assert evaluate(samples, ignore_index=0) == first


def test_class_table(samples, monkeypatch):
    printed = []
    monkeypatch.setattr(dataset_level_metric, 'print_log', lambda text, *_: printed.append(text))
    results = evaluate(samples)
    (table,) = printed
    assert table.startswith('Dataset-level results per class, in %:')
    rows = {line.split()[1]: line.replace('|', ' ').split()[1:] for line in table.splitlines() if '|' in line}
    assert rows['class'] == ['IoU', 'F', 'FDR', 'Acc']
    assert rows['zebra'] == ['-'] * 4
    assert rows['dog'] == ['0.00', '0.00', '-', '0.00']
    assert 0 < float(rows['cat'][0]) < 100
    assert rows['classes'] == ['in', 'the', 'mean', '3', '3', '2', '3']
    assert rows['mean'] == [f'{results[name]:.2f}' for name in SHARES[:4]]
    unpredicted, comparison = table.splitlines()[-2:]
    assert unpredicted == 'Labeled but never predicted, therefore not in mFDR: dog'
    assert 'includes the background' in comparison and 'Tables 2 and 3 of the paper' in comparison


def test_prefix(samples):
    assert set(evaluate(samples, prefix='vpo')) == {f'vpo/{name}' for name in SHARES + COUNTS}


@pytest.mark.parametrize('format_only', [False, True])
def test_writes_predictions(samples, tmp_path, format_only):
    results = evaluate(samples, output_dir=str(tmp_path / 'deep' / 'out'), format_only=format_only)
    assert bool(results) is not format_only
    for i, s in enumerate(samples):
        written = np.asarray(Image.open(tmp_path / 'deep' / 'out' / f'{i}_7.png'))
        assert written.dtype == np.uint8
        np.testing.assert_array_equal(written, s['pred_sem_seg']['data'][0])


@pytest.mark.parametrize('size', [(1, 1), (1, 5), (5, 1)])
def test_writes_predictions_of_one_row_or_column(samples, tmp_path, size):
    pred = torch.ones(1, *size, dtype=torch.int64)
    evaluate([dict(samples[0], pred_sem_seg=dict(data=pred), gt_sem_seg=dict(data=pred))], output_dir=str(tmp_path))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / '0_7.png')), pred[0])


def test_samples_of_one_image_get_separate_files(samples, tmp_path):
    """In VPO-SS an image is a sample for each of its objects, and only the names of the masks differ."""
    evaluate([dict(s, img_path='same.jpg') for s in samples], output_dir=str(tmp_path))
    assert len(list(tmp_path.iterdir())) == NUM_SAMPLES


def test_frames_of_different_clips_may_have_equal_names(samples, tmp_path):
    evaluate(
        [dict(s, clip=f'v2/c{i}', seg_map_path='l/0.png') for i, s in enumerate(samples)], output_dir=str(tmp_path)
    )
    written = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob('*.png')}
    assert written == {f'v2/c{i}/0.png' for i in range(NUM_SAMPLES)}


def test_without_labels(samples, tmp_path):
    for s in samples:
        del s['gt_sem_seg'], s['seg_map_path']
    assert evaluate(samples, output_dir=str(tmp_path), format_only=True) == {}
    assert {p.name for p in tmp_path.iterdir()} == {f'{i}.png' for i in range(NUM_SAMPLES)}


def test_error_names_the_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match=r'cannot write .*file/out: Not a directory; a file has this name.* --out'):
        DatasetLevelMetric(output_dir=str(tmp_path / 'file' / 'out'))


def test_error_names_the_file_if_the_disk_is_full(samples, tmp_path, small_disk):
    with small_disk(10), pytest.raises(OSError, match=r'cannot write .*0_7\.png: File too large; make room.* --out'):
        evaluate(samples, output_dir=str(tmp_path))


def test_error_names_the_sample(samples):
    samples[3]['gt_sem_seg']['data'][0, 1, 1] = 4
    with pytest.raises(ValueError, match='mask/3_7.png: labels must lie in'):
        evaluate(samples)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(absent='none'), "absent must be one of skip, zero, got 'none'"),
        (dict(format_only=True), 'format_only=True needs output_dir'),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=f'DatasetLevelMetric: {message}'):
        DatasetLevelMetric(**kwargs)


def test_built_by_name():
    """mmseg's `tools/test.py --out` sets keep_results."""
    init_default_scope('mmseg')
    metric = METRICS.build(dict(type='DatasetLevelMetric', keep_results=True, absent='zero'))
    assert isinstance(metric, DatasetLevelMetric)
    assert metric.absent == 'zero'


@pytest.mark.parametrize('all_predicted', [False, True])
def test_equals_the_metric_of_mmseg(samples, all_predicted):
    """Metrics with the same definition are equal.

    mmseg's mean F leaves out classes that are never predicted, ours counts them as 0.
    """
    if all_predicted:
        samples[0]['pred_sem_seg']['data'][0, -2:] = 2
    evaluator = Evaluator(
        [
            dict(type='DatasetLevelMetric', beta2=0.3),
            dict(type='IoUMetric', iou_metrics=['mIoU', 'mFscore'], beta=0.3**0.5, prefix='mmseg'),
        ]
    )
    evaluator.dataset_meta = dict(classes=CLASSES)
    for start in range(0, len(samples), 4):
        evaluator.process(samples[start : start + 4])
    found = evaluator.evaluate(len(samples))
    mmseg = {name.removeprefix('mmseg/'): float(value) for name, value in found.items() if name.startswith('mmseg/')}
    for name in ('mIoU', 'mAcc', 'aAcc'):
        assert found[name] == pytest.approx(mmseg[name], abs=0.011), name
    assert (found['mF'] == pytest.approx(mmseg['mFscore'], abs=0.011)) == all_predicted
    if all_predicted:
        assert found['mFDR'] == pytest.approx(100 - mmseg['mPrecision'], abs=0.011)

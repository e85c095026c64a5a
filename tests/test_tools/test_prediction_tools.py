"""The tools that read predictions of `tools/test.py --out`: confusion matrix, bars of classes, strips."""

import csv
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from avsbench_tree import write_semantic
from PIL import Image
from tiny_config import write_tiny_config

from mmavs.datasets import AVSBenchSemanticDataset, VPODataset

TOOLS = Path(__file__).resolve().parents[2] / 'tools' / 'analysis_tools'
CAT, DOG = 6, 9


@pytest.fixture
def run(monkeypatch):
    def call(tool, *args):
        path = TOOLS / f'{tool}.py'
        monkeypatch.syspath_prepend(str(TOOLS))
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, args)])
        runpy.run_path(str(path), run_name='__main__')

    return call


@pytest.fixture
def config(tmp_path, vpo_root):
    return write_tiny_config(tmp_path / 'tiny.py', vpo_root)


def labels_of(root):
    """Class indices of each test mask by file name."""
    dataset = VPODataset(data_root=str(root), subset='ms', split=['test', 'val'], lazy_init=False)
    records = [dataset.get_data_info(i) for i in range(len(dataset))]
    return {Path(r['seg_map_path']).name: r['label_table'][np.array(Image.open(r['seg_map_path']))] for r in records}


@pytest.fixture
def predictions(tmp_path, vpo_root):
    """(folder, name -> (label, prediction)): the labels, with a stripe of dog in each."""
    folder, pairs = tmp_path / 'pred', {}
    folder.mkdir()
    for name, label in labels_of(vpo_root).items():
        predicted = np.where(label == 255, 0, label)
        predicted[20:30] = DOG
        Image.fromarray(predicted.astype(np.uint8)).save(folder / name)
        pairs[name] = label, predicted
    return folder, pairs


def test_confusion_matrix_counts_the_pixels(run, config, predictions, tmp_path):
    folder, pairs = predictions
    run('confusion_matrix', config, folder, tmp_path / 'out')
    with open(tmp_path / 'out' / 'confusion_matrix.csv', newline='', encoding='utf-8') as file:
        header, *rows = csv.reader(file)
    counts = np.array([row[1:] for row in rows], int)
    expected = np.zeros((22, 22), int)
    for label, predicted in pairs.values():
        np.add.at(expected, (label[label != 255], predicted[label != 255]), 1)
    np.testing.assert_array_equal(counts, expected)
    assert header[1:] == [row[0] for row in rows] and header[1] == 'background' and header[1 + DOG] == 'dog'
    assert cv2.imread(str(tmp_path / 'out' / 'confusion_matrix.png')).shape[1] >= 640


def test_bars_of_classes(run, config, predictions, tmp_path):
    folder, _ = predictions
    run('plot_classes', config, '--pred', f'a={folder}', f'b={folder}', '--metric', 'F', '--out', tmp_path / 'a.png')
    assert cv2.imread(str(tmp_path / 'a.png')).shape[1] >= 640


def test_missing_prediction_names_file_and_command(run, config, predictions, tmp_path):
    folder, pairs = predictions
    (folder / next(iter(pairs))).unlink()
    with pytest.raises(SystemExit, match=rf'{next(iter(pairs))}.*tools/test\.py CONFIG CHECKPOINT --out'):
        run('confusion_matrix', config, folder, tmp_path / 'out')


def test_prediction_of_another_size(run, config, predictions, tmp_path):
    folder, pairs = predictions
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(folder / next(iter(pairs)))
    with pytest.raises(SystemExit, match=r'size \(5, 5\).*another config'):
        run('plot_classes', config, '--pred', folder, '--out', tmp_path / 'a.png')


def test_strip_of_samples(run, config, predictions, tmp_path):
    folder, _ = predictions
    run('compare_predictions', config, '--pred', f'CAVP={folder}', '--number', 2, '--out', tmp_path / 'strip.png')
    with_model = cv2.imread(str(tmp_path / 'strip.png'))
    run('compare_predictions', config, '--number', 2, '--out', tmp_path / 'truth.png')
    without = cv2.imread(str(tmp_path / 'truth.png'))
    assert with_model.shape[1] >= 640 and with_model.shape[0] > without.shape[0] + 100


CLIP_CONFIG = """
_base_ = {base!r}
own = dict(num_workers=0, persistent_workers=False)
test_dataloader = dict(**own, dataset=dict(data_root={root!r}))
"""


@pytest.mark.slow
def test_strip_of_a_clip(run, tmp_path):
    root = write_semantic(tmp_path / 'avss')
    base = TOOLS.parents[1] / 'configs' / 'cavp' / 'cavp_r50-d16_1xb16-80e_avss-224x224.py'
    config = tmp_path / 'clip.py'
    config.write_text(CLIP_CONFIG.format(base=str(base), root=str(root)), encoding='utf-8')
    dataset = AVSBenchSemanticDataset(data_root=str(root), split='test')
    clip = next(r['clip'] for r in map(dataset.get_data_info, range(len(dataset))) if r['num_frames'] == 10)
    run('compare_predictions', config, '--clip', clip, '--out', tmp_path / 'strip.png')
    strip = cv2.imread(str(tmp_path / 'strip.png'))
    assert strip.shape[1] > 10 * 220
    with pytest.raises(SystemExit, match=f"did you mean '{clip}'"):
        run('compare_predictions', config, '--clip', clip + 'x', '--out', tmp_path / 'strip.png')

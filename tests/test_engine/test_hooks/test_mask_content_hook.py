import logging
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmengine.dataset import ConcatDataset

from mmavs.datasets import AVSegDataset
from mmavs.engine.hooks import MaskContentHook, mask_content_hook


class Pets(AVSegDataset):
    """One image for each PNG of a folder."""

    METAINFO = dict(classes=('background', 'cat'), palette=[[0, 0, 0], [255, 0, 0]])

    def load_data_list(self):
        return [
            dict(img_path='a.jpg', seg_map_path=f'{self.data_root}/{i}.png', sources=[], audio_label=(1,))
            for i in range(6)
        ]


@pytest.fixture
def write(tmp_path):
    """Writes masks of background and one other value each."""

    def write_masks(values):
        for i, value in enumerate(values):
            mask = np.zeros((4, 6), np.uint8)
            mask[1, 2] = value
            cv2.imwrite(str(tmp_path / f'{i}.png'), mask)
        return str(tmp_path)

    return write_masks


def warnings(dataset, caplog):
    logger = logging.getLogger('mask content')
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        MaskContentHook().before_train(
            SimpleNamespace(train_dataloader=SimpleNamespace(dataset=dataset), logger=logger)
        )
    return caplog.messages


def test_masks_of_0_and_255_are_reported_once_per_dataset(write, caplog):
    """With the value as class 1, nothing is reported."""
    root = write([255] * 6)
    first, second = Pets(data_root=root), Pets(data_root=root, mask_values=(0, 255))
    (message,) = warnings(SimpleNamespace(dataset=ConcatDataset([first, second])), caplog)
    assert message.startswith('Pets: 6 masks contain background only. Their values are [0, 255]; ')
    assert 'the values of the classes are [0, 1]' in message and 'mask_values=(0, 255)' in message
    assert not warnings(second, caplog)


def test_one_mask_with_a_class_is_enough(write, caplog, monkeypatch):
    dataset, read = Pets(data_root=write([1] + 5 * [255])), []
    original = mask_content_hook.read_mask
    monkeypatch.setattr(mask_content_hook, 'read_mask', lambda *args: read.append(args) or original(*args))
    assert not warnings(dataset, caplog)
    assert len(read) == 1
    assert not warnings(Pets(data_root=write(5 * [255] + [1])), caplog)


def test_unreadable_masks_are_skipped(tmp_path, write, caplog):
    assert not warnings(Pets(data_root=str(tmp_path)), caplog)
    assert not warnings(Pets(data_root=write([77] * 6)), caplog)

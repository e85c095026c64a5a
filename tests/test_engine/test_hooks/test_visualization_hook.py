from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmengine.visualization import Visualizer
from mmseg.structures import SegDataSample

from mmavs.engine.hooks import AVSegVisualizationHook


class Recorder:
    """In place of a visualizer: records what is drawn."""

    def __init__(self):
        self.drawn = []

    def add_datasample(self, name, image, **kwargs):
        self.drawn.append((name, image, kwargs))


@pytest.fixture
def recorder(monkeypatch):
    found = Recorder()
    monkeypatch.setattr(Visualizer, 'get_current_instance', lambda: found)
    return found


@pytest.fixture
def samples(tmp_path):
    """Ten images of different gray values."""
    made = []
    for i in range(10):
        path = tmp_path / f'{i}.png'
        cv2.imwrite(str(path), np.full((4, 6, 3), (i, 2 * i, 3 * i), np.uint8))
        made.append(SegDataSample(metainfo=dict(img_path=str(path))))
    return made


def validate(hook, samples, batch_size):
    runner = SimpleNamespace(iter=7, val_dataloader=SimpleNamespace(sampler=samples))
    hook.before_val_epoch(runner)
    for i in range(0, len(samples), batch_size):
        hook.after_val_iter(runner, i // batch_size, None, samples[i : i + batch_size])


@pytest.mark.parametrize('batch_size', [1, 3, 10])
def test_the_same_samples_at_each_validation(recorder, samples, batch_size):
    hook = AVSegVisualizationHook(draw=True, num_samples=4)
    validate(hook, samples, batch_size)
    validate(hook, samples, batch_size)
    names = [name for name, *_ in recorder.drawn]
    assert names == ['val_0.png', 'val_3.png', 'val_6.png', 'val_9.png'] * 2
    _, image, kwargs = recorder.drawn[1]
    assert image[0, 0].tolist() == [9, 6, 3] and kwargs['step'] == 7  # RGB
    assert kwargs['data_sample'] is samples[3]


def test_more_samples_than_there_are(recorder, samples):
    validate(AVSegVisualizationHook(draw=True, num_samples=99), samples, 4)
    assert len(recorder.drawn) == 10


def test_interval_of_a_test(recorder, samples):
    hook = AVSegVisualizationHook(draw=True, interval=2)
    for i, sample in enumerate(samples):
        hook.after_test_iter(SimpleNamespace(iter=0), i, None, [sample])
    assert [name for name, *_ in recorder.drawn] == [f'test_{i}.png' for i in (1, 3, 5, 7, 9)]


def test_draws_nothing_by_default(recorder, samples):
    hook = AVSegVisualizationHook()
    validate(hook, samples, 1)
    hook.after_test_iter(SimpleNamespace(iter=0), 49, None, samples)
    assert not recorder.drawn


def test_missing_image_is_named(recorder, samples):
    samples[0].set_metainfo(dict(img_path='nowhere.jpg'))
    with pytest.raises(FileNotFoundError, match='nowhere.jpg'):
        validate(AVSegVisualizationHook(draw=True), samples, 1)


def test_numbers_must_be_positive():
    with pytest.raises(ValueError, match='must be positive'):
        AVSegVisualizationHook(num_samples=0)

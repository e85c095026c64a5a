import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmavs.visualization import AVSegLocalVisualizer
from mmavs.visualization.local_visualizer import _STRIP_HEIGHT

META = dict(classes=('background', 'cat', 'dog'), palette=[[0, 0, 0], [250, 0, 0], [0, 0, 250]])
WIDTH, HEIGHT = 160, 120
MARK_ROWS = 20  # the upper part of the strip; the text is below


@pytest.fixture
def visualizer():
    found = AVSegLocalVisualizer(min_size=HEIGHT, alpha=1.0)
    found.dataset_meta = META
    return found


@pytest.fixture
def image():
    return np.full((HEIGHT, WIDTH, 3), 200, np.uint8)


@pytest.fixture
def sample():
    """Label: left half cat, right half dog. Prediction: cat. Both are sounding classes."""
    label = torch.ones(1, HEIGHT, WIDTH, dtype=torch.int64)
    label[..., WIDTH // 2 :] = 2
    found = SegDataSample(
        metainfo=dict(
            sources=[dict(audio_path='a.wav', position=0.25, label=1), dict(audio_path='b.wav', position=0.75, label=2)]
        )
    )
    found.gt_sem_seg = PixelData(data=label)
    found.pred_sem_seg = PixelData(data=torch.ones(1, HEIGHT, WIDTH, dtype=torch.int64))
    return found


def marked_columns(picture, color, *, panel=0, height=HEIGHT, width=WIDTH):
    """Columns of the strip below a panel that have a color in the upper part."""
    strip = picture[height : height + MARK_ROWS, panel * width : (panel + 1) * width]
    return np.flatnonzero((strip == color).all(-1).any(0))


def test_three_panels(visualizer, image, sample):
    picture = visualizer.draw(image, sample, with_labels=False)
    assert picture.shape == (HEIGHT + _STRIP_HEIGHT, 3 * WIDTH, 3)
    assert picture.dtype == np.uint8
    middle = [picture[HEIGHT // 2, x].tolist() for x in (40, 120, 200, 280, 360, 440)]
    cat, dog, plain = META['palette'][1], META['palette'][2], [200] * 3
    assert middle == [plain, plain, cat, dog, cat, cat]


@pytest.mark.parametrize('position', [0, 0.1, 0.5, 0.9, 1])
def test_marker_is_at_the_position_of_the_source(visualizer, image, sample, position):
    sample.set_metainfo(dict(sources=[dict(audio_path='a.wav', position=position, label=1)]))
    picture = visualizer.draw(image, sample)
    for panel in range(3):
        columns = marked_columns(picture, META['palette'][1], panel=panel)
        x = position * (WIDTH - 1)
        assert columns.min() <= x + 0.5
        assert columns.max() >= x - 0.5
        assert columns.min() >= x - 12
        assert columns.max() <= x + 12
        assert not len(marked_columns(picture, META['palette'][2], panel=panel))


def test_each_source_has_the_color_of_its_class(visualizer, image, sample):
    picture = visualizer.draw(image, sample)
    for label, center in ((1, 40), (2, 120)):
        assert abs(np.median(marked_columns(picture, META['palette'][label])) - center) < 3


def test_draws_the_requested_panels_that_exist(visualizer, image, sample):
    def panels(data_sample, **kwargs):
        return visualizer.draw(image, data_sample, **kwargs).shape[1] // WIDTH

    assert panels(sample, draw_gt=False) == 2
    assert panels(sample, draw_pred=False) == 2
    assert panels(sample, draw_gt=False, draw_pred=False) == 1
    assert panels(None) == 1
    del sample.gt_sem_seg
    assert panels(sample) == 2


def test_no_sources(visualizer, image, sample):
    """The strip has no marker, and its text is that of a sample with an ignored class."""
    sample.set_metainfo(dict(sources=[]))
    nothing = visualizer.draw(image, sample)
    for color in META['palette'][1:]:
        assert not len(marked_columns(nothing, color))
    sample.set_metainfo(dict(sources=[dict(audio_path='a.wav', position=0.5, label=255)]))
    np.testing.assert_array_equal(visualizer.draw(image, sample), nothing)
    strip = nothing[HEIGHT + MARK_ROWS :, :WIDTH]
    assert (strip == 255).any()


def test_ignored_pixels_have_no_color(visualizer, image, sample):
    sample.gt_sem_seg.data[:, :, : WIDTH // 2] = 255
    panel = visualizer.draw(image, sample, with_labels=False)[20:HEIGHT, WIDTH : 2 * WIDTH]  # below the title
    half = WIDTH // 2
    assert not any((panel[:, :half] == color).all(-1).any() for color in META['palette'][1:])
    assert (panel[:, half:] == META['palette'][2]).all()


@pytest.mark.parametrize(
    ('shape', 'drawn'),
    [
        ((30, 40), (120, 160)),
        ((120, 60), (240, 120)),
        ((200, 150), (200, 150)),
    ],
)
def test_small_images_are_enlarged(visualizer, shape, drawn):
    sample = SegDataSample(metainfo=dict(sources=[dict(position=0.5, label=2)]))
    data = torch.zeros(1, *shape, dtype=torch.int64)
    data[..., shape[1] // 2 :] = 2
    sample.pred_sem_seg = PixelData(data=data)
    picture = visualizer.draw(np.full((*shape, 3), 200, np.uint8), sample, with_labels=False)
    height, width = drawn
    assert picture.shape == (height + _STRIP_HEIGHT, 2 * width, 3)
    assert (picture[height // 2, width + width // 2 :] == META['palette'][2]).all()
    assert not (picture[height // 2, width : width + width // 2 - 1] == META['palette'][2]).all(-1).any()
    assert abs(np.median(marked_columns(picture, META['palette'][2], height=height, width=width)) - width / 2) < 3


def test_inputs_are_not_changed(visualizer, image, sample):
    before, label = image.copy(), sample.gt_sem_seg.data.clone()
    visualizer.draw(image, sample)
    np.testing.assert_array_equal(image, before)
    assert torch.equal(sample.gt_sem_seg.data, label)


def test_add_datasample_writes_a_file(visualizer, image, sample, tmp_path):
    visualizer.add_datasample('a', image, sample, out_file=str(tmp_path / 'sub' / 'a.png'))
    written = cv2.imread(str(tmp_path / 'sub' / 'a.png'))[..., ::-1]
    np.testing.assert_array_equal(written, visualizer.draw(image, sample))


def test_add_datasample_goes_to_the_backends(image, sample, tmp_path):
    visualizer = AVSegLocalVisualizer(vis_backends=[dict(type='LocalVisBackend')], save_dir=str(tmp_path))
    visualizer.dataset_meta = META
    visualizer.add_datasample('val', image, sample, step=7)
    (found,) = tmp_path.rglob('*.png')
    assert found.name == 'val_7.png'


def test_classes_of_a_mixture_are_named(visualizer, image, sample):
    """The text is that of separate sources, without markers."""
    own = visualizer.draw(image, sample)
    mixture = SegDataSample(metainfo=dict(sources=[dict(position=0.5, label=None)], audio_label=(1, 2)))
    mixture.gt_sem_seg, mixture.pred_sem_seg = sample.gt_sem_seg, sample.pred_sem_seg
    drawn = visualizer.draw(image, mixture)
    marks, text = slice(HEIGHT, HEIGHT + MARK_ROWS), slice(HEIGHT + MARK_ROWS, None)
    assert np.array_equal(drawn[text], own[text]) and len(np.unique(drawn[marks])) == 1 < len(np.unique(own[marks]))


def test_frames_of_different_clips_may_have_equal_names(visualizer, image, monkeypatch):
    names = []
    monkeypatch.setattr(visualizer, 'add_image', lambda name, drawn, step: names.append(name))
    for clip in ('v2/a', 'v2/b'):
        visualizer.add_datasample('test_0.jpg', image, SegDataSample(metainfo=dict(clip=clip)))
    assert names == ['v2_a_test_0.jpg', 'v2_b_test_0.jpg']

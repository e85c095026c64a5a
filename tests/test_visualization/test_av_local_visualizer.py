import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmavs.visualization import AVSegLocalVisualizer
from mmavs.visualization.strips import MARKER_ROWS, draw_title

META = dict(classes=('background', 'cat', 'dog'), palette=[[0, 0, 0], [250, 0, 0], [0, 0, 250]])
WIDTH, HEIGHT, GAP = 320, 240, 8
TITLE = draw_title('a', WIDTH, size=15).shape[0]
STEP = WIDTH + GAP


@pytest.fixture
def visualizer():
    found = AVSegLocalVisualizer(min_size=HEIGHT, min_width=WIDTH, alpha=1.0)
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
    """Columns below a panel that have a color in the rows of the markers."""
    top, left = TITLE + height, panel * (width + GAP)
    strip = picture[top : top + MARKER_ROWS, left : left + width]
    return np.flatnonzero((strip == color).all(-1).any(0))


def count_panels(picture, width=WIDTH):
    return (picture.shape[1] + GAP) // (width + GAP)


def test_three_panels(visualizer, image, sample):
    picture = visualizer.draw(image, sample, with_labels=False)
    assert picture.shape[1:] == (3 * WIDTH + 2 * GAP, 3)
    assert picture.dtype == np.uint8
    columns = [80, 240, STEP + 80, STEP + 240, 2 * STEP + 80, 2 * STEP + 240]
    middle = [picture[TITLE + HEIGHT // 2, x].tolist() for x in columns]
    cat, dog, plain = META['palette'][1], META['palette'][2], [200] * 3
    assert middle == [plain, plain, cat, dog, cat, cat]


def test_nothing_is_drawn_on_the_image(visualizer, sample):
    """The title is above the image, the positions are below."""
    image = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    picture = visualizer.draw(image, sample)
    np.testing.assert_array_equal(picture[TITLE : TITLE + HEIGHT, :WIDTH], image)


@pytest.mark.parametrize('position', [0, 0.1, 0.5, 0.9, 1])
def test_marker_is_at_the_position_of_the_source(visualizer, image, sample, position):
    sample.set_metainfo(dict(sources=[dict(audio_path='a.wav', position=position, label=1)]))
    picture = visualizer.draw(image, sample)
    for panel in range(3):
        columns = marked_columns(picture, META['palette'][1], panel=panel)
        x = position * (WIDTH - 1)
        assert x - 12 <= columns.min() <= x + 0.5
        assert x - 0.5 <= columns.max() <= x + 12
        assert not len(marked_columns(picture, META['palette'][2], panel=panel))


def test_each_source_has_the_color_of_its_class(visualizer, image, sample):
    picture = visualizer.draw(image, sample)
    for label, center in ((1, 80), (2, 240)):
        assert abs(np.median(marked_columns(picture, META['palette'][label])) - center) < 3


def test_draws_the_requested_panels_that_exist(visualizer, image, sample):
    def panels(data_sample, **kwargs):
        return count_panels(visualizer.draw(image, data_sample, **kwargs))

    assert panels(sample, draw_gt=False) == 2
    assert panels(sample, draw_pred=False) == 2
    assert panels(sample, draw_gt=False, draw_pred=False) == 1
    assert panels(None) == 1
    del sample.gt_sem_seg
    assert panels(sample) == 2


def test_no_sources(visualizer, image, sample):
    """There is no marker, and the picture is that of a sample with an ignored class."""
    sample.set_metainfo(dict(sources=[]))
    nothing = visualizer.draw(image, sample)
    for color in META['palette'][1:]:
        assert not len(marked_columns(nothing, color))
    sample.set_metainfo(dict(sources=[dict(audio_path='a.wav', position=0.5, label=255)]))
    np.testing.assert_array_equal(visualizer.draw(image, sample), nothing)


def test_ignored_pixels_have_no_color(visualizer, image, sample):
    sample.gt_sem_seg.data[:, :, : WIDTH // 2] = 255
    picture = visualizer.draw(image, sample, with_labels=False)
    panel = picture[TITLE : TITLE + HEIGHT, STEP : STEP + WIDTH]
    left, right = panel[:, : WIDTH // 2 - 2], panel[:, WIDTH // 2 + 2 :]
    assert (left.max(-1) == left.min(-1)).all() and len(np.unique(left)) == 2  # gray, hatched
    assert (right == META['palette'][2]).all()


@pytest.mark.parametrize(
    ('shape', 'drawn'),
    [
        ((30, 40), (240, 320)),
        ((240, 120), (624, 312)),  # 312 + 8 + 312 pixels: the least width
        ((400, 700), (400, 700)),
    ],
)
def test_small_images_are_enlarged(shape, drawn):
    visualizer = AVSegLocalVisualizer(min_size=HEIGHT, min_width=632, alpha=1.0)
    visualizer.dataset_meta = META
    sample = SegDataSample(metainfo=dict(sources=[dict(position=0.5, label=2)]))
    data = torch.zeros(1, *shape, dtype=torch.int64)
    data[..., shape[1] // 2 :] = 2
    sample.pred_sem_seg = PixelData(data=data)
    picture = visualizer.draw(np.full((*shape, 3), 200, np.uint8), sample, with_labels=False)
    height, width = drawn
    assert picture.shape[1] == 2 * width + GAP and picture.shape[1] >= 632
    row = picture[TITLE + height // 2, width + GAP :]
    assert (row[width // 2 + 2 :] == META['palette'][2]).all()
    assert not (row[: width // 2 - 2] == META['palette'][2]).all(-1).any()


def test_picture_of_a_mini_image_alone_has_640_pixels():
    visualizer = AVSegLocalVisualizer()
    visualizer.dataset_meta = META
    assert visualizer.draw(np.zeros((112, 144, 3), np.uint8), None).shape[1] == 640


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


def texts_of(visualizer, image, sample, monkeypatch):
    """The texts below the panels: names at markers and in the lines of classes."""
    found = []

    def record(strip, text, left, top, **kwargs):
        found.append(text)

    with monkeypatch.context() as patch:
        patch.setattr('mmavs.visualization.strips.draw_text', record)
        visualizer.draw(image, sample, with_labels=False)
    return found


def test_sounding_and_predicted_classes_are_named(visualizer, image, sample, monkeypatch):
    texts = texts_of(visualizer, image, sample, monkeypatch)
    start = texts.index('sounding:')
    assert texts[start:] == ['sounding:', 'cat', 'dog', 'predicted:', 'cat']
    assert [text for text in texts[:start] if text in META['classes']] == ['cat', 'dog']  # at the markers


def test_classes_of_a_mixture_are_named_without_markers(visualizer, image, sample, monkeypatch):
    sample.set_metainfo(dict(sources=[dict(position=0.5, label=None)], audio_label=(1, 2)))
    texts = texts_of(visualizer, image, sample, monkeypatch)
    start = texts.index('sounding:')
    assert texts[start : start + 3] == ['sounding:', 'cat', 'dog']
    assert not {'cat', 'dog'} & set(texts[:start])


def test_unknown_classes_of_a_recording_are_not_named(visualizer, image, sample, monkeypatch):
    sample.set_metainfo(dict(sources=[dict(audio_path='a.wav', position=0.5)]))
    assert 'sounding:' not in texts_of(visualizer, image, sample, monkeypatch)
    sample.set_metainfo(dict(sources=[], audio_label=()))
    texts = texts_of(visualizer, image, sample, monkeypatch)
    assert texts[texts.index('sounding:') :][:2] == ['sounding:', 'nothing']


def test_frames_of_different_clips_may_have_equal_names(visualizer, image, monkeypatch):
    names = []
    monkeypatch.setattr(visualizer, 'add_image', lambda name, drawn, step: names.append(name))
    for clip in ('v2/a', 'v2/b'):
        visualizer.add_datasample('test_0.jpg', image, SegDataSample(metainfo=dict(clip=clip)))
    assert names == ['v2_a_test_0.jpg', 'v2_b_test_0.jpg']


def test_frame_of_a_video_keeps_its_size(visualizer, image, sample):
    segments = sample.gt_sem_seg.data[0].numpy()
    frame = visualizer.draw_frame(image[:60, :90], segments[:60, :90])
    assert frame.shape == (60, 90, 3)
    plain = visualizer.draw_frame(image, segments, with_labels=False)
    assert plain[10, 10].tolist() == META['palette'][1] and plain[10, -10].tolist() == META['palette'][2]
    assert not np.array_equal(plain, visualizer.draw_frame(image, segments))


@pytest.mark.parametrize('installed', [True, False])
def test_tensorboard_is_used_where_it_is_installed(tmp_path, monkeypatch, installed):
    monkeypatch.setattr('mmavs.visualization.local_visualizer.find_spec', lambda name: installed or None)
    backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
    visualizer = AVSegLocalVisualizer('a', vis_backends=backends, save_dir=str(tmp_path))
    visualizer.add_scalar('loss', 0.5, step=3)
    visualizer.close()
    files = {path.name.split('.')[0] for path in tmp_path.rglob('*') if path.is_file()}
    assert ('events' in files) == installed and ('scalars' in files or not files - {'events'})

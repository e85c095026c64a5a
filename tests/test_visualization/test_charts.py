import numpy as np
import pytest

from mmavs.visualization.audio_panels import render
from mmavs.visualization.charts import draw_class_bars, draw_confusion, draw_curves

NAMES = ['background', 'cat', 'electric guitar with amplifier']


def texts_in_figure(figure):
    """All texts of a figure with their boxes in pixels."""
    figure.canvas.draw()
    found = figure.findobj(lambda artist: hasattr(artist, 'get_text') and artist.get_visible() and artist.get_text())
    return [(text.get_text(), text.get_window_extent()) for text in found]


def check_nothing_is_clipped(figure):
    """The box around all that is drawn lies in the figure."""
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    left, bottom, right, top = figure.get_tightbbox().extents * figure.dpi
    assert width >= 640 and left >= -1 and bottom >= -1 and right <= width + 1 and top <= height + 1


def test_confusion_matrix_shows_the_share_of_each_label():
    """The label cat has 3 pixels, of which one is right; no pixel has the last label."""
    figure = draw_confusion(np.array([[8, 2, 0], [1, 1, 1], [0, 0, 0]]), NAMES)
    check_nothing_is_clipped(figure)
    numbers = [text for text, _ in texts_in_figure(figure) if text in ('80', '20', '33', '0')]
    assert sorted(numbers[-6:]) == sorted(['80', '20', '0', '33', '33', '33'])


def test_confusion_matrix_of_many_classes():
    figure = draw_confusion(np.eye(31), [f'class number {i}' for i in range(31)])
    check_nothing_is_clipped(figure)
    assert render(figure).shape[0] > 1200


@pytest.mark.parametrize('runs, classes', [(4, 3), (1, 22), (2, 50)])
def test_bars_have_the_values(runs, classes):
    names = (NAMES * 30)[:classes]
    values = {f'run {i}': np.linspace(0, 90, classes) + i for i in range(runs)}
    values['run 0'][1] = np.nan
    figure = draw_class_bars(values, names, metric='IoU', title='test')
    check_nothing_is_clipped(figure)
    heights = [[bar.get_height() for axis in figure.axes for bar in axis.containers[i]] for i in range(runs)]
    for found, expected in zip(heights, values.values(), strict=True):
        np.testing.assert_allclose(found, np.nan_to_num(expected))
    label = f'run 0 (mean {np.nanmean(values["run 0"]):.1f})'
    assert label in [text for text, _ in texts_in_figure(figure)]


def test_curves():
    curves = {
        'loss': [('a', [1, 2, 3], [3, 2, 1]), ('b', [1, 2], [4, 5])],
        'mIoU': [('a', [1], [40]), ('b', [1], [50])],
    }
    figure = draw_curves(curves, title='training')
    check_nothing_is_clipped(figure)
    assert [axis.get_ylabel() for axis in figure.axes] == ['loss', 'mIoU']
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[3, 2, 1], [4, 5]]

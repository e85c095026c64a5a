import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.models import EncoderDecoder

from mmavs.models.fusion.window import WHOLE, Window, input_window, sliding_windows


class Recorder(EncoderDecoder):
    """Records the crops that mmseg's slide inference makes of an image whose pixels hold their coordinates."""

    def __init__(self, crop_size, stride):
        torch.nn.Module.__init__(self)
        self.test_cfg = ConfigDict(crop_size=crop_size, stride=stride)
        self.out_channels, self.crops = 1, []

    def encode_decode(self, inputs, batch_img_metas):
        (top, left), (bottom, right) = inputs[0, :, 0, 0].tolist(), inputs[0, :, -1, -1].tolist()
        self.crops.append((slice(int(top), int(bottom) + 1), slice(int(left), int(right) + 1)))
        return inputs[:, :1]


@pytest.mark.parametrize(
    'size, crop_size, stride',
    [
        ((6, 7), (6, 7), (1, 1)),
        ((6, 7), (4, 4), (2, 3)),
        ((9, 20), (5, 8), (5, 7)),
        ((3, 50), (8, 8), (4, 5)),
        ((1, 1), (2, 2), (1, 1)),
    ],
)
def test_sliding_windows_are_those_of_mmseg(size, crop_size, stride):
    image = torch.stack(torch.meshgrid(*(torch.arange(n).float() for n in size), indexing='ij'))[None]
    recorder = Recorder(crop_size, stride)
    recorder.slide_inference(image, [{}])
    assert list(sliding_windows(size, crop_size, stride)) == recorder.crops


def test_crop_of_a_window_has_its_edges_in_the_image():
    outer = Window(top=0.2, bottom=0.6, left=0.5, right=1.0)
    inner = outer.crop(Window(top=0.25, bottom=0.5, left=0.1, right=1.0))
    assert inner == pytest.approx((0.3, 0.4, 0.55, 1.0))
    assert WHOLE.crop(outer) == outer and outer.crop(WHOLE) == pytest.approx(outer)


def test_input_window_of_crops_and_of_padding():
    """The second image is the lower right quarter of another; both are padded to 40 x 80."""
    metas = [dict(img_shape=(20, 80)), dict(img_shape=(40, 40), crop_window=(0.5, 1.0, 0.5, 1.0))]
    window = input_window(metas, (40, 80), torch.zeros(()))
    expected = Window(top=[0.0, 0.5], bottom=[2.0, 1.0], left=[0.0, 0.5], right=[1.0, 1.5])
    assert [edge.tolist() for edge in window] == list(expected)

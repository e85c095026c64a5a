"""Position encoding in the coordinates of the image, for crops of slide inference and of training."""

import copy

import pytest
import torch
from av_model import logits, make_batch, sharpen
from mmengine.structures import PixelData
from test_av_encoder_decoder import build, head

POSITIONED = dict(
    type='CrossAttentionFusion',
    in_channels=8,
    audio_channels=10,
    num_heads=2,
    hidden_channels=8,
    position_encoding=True,
)


class Pixelwise(torch.nn.Module):
    """A backbone without context: the eight features of a pixel depend on that pixel alone."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 1)

    def forward(self, image):
        return (self.conv(image),)


def build_without_context(**fusion):
    """A network in which the coordinates are all that a crop can change."""
    decode_head = dict(head(in_channels=8, in_index=0), num_convs=0)
    model = sharpen(build('no contrast', decode_head=decode_head, fusion=dict(POSITIONED, **fusion)))
    model.backbone = Pixelwise()
    return model.eval()


@pytest.mark.parametrize(
    'size, stride', [((32, 48), (32, 48)), ((16, 20), (8, 20)), ((9, 13), (7, 11)), ((1, 1), (1, 1))]
)
def test_crops_of_slide_inference_have_the_coordinates_of_the_image(size, stride):
    model = build_without_context()
    batch = make_batch(model, count=2)
    whole = logits(model, batch)
    model.test_cfg.update(mode='slide', crop_size=size, stride=stride)
    torch.testing.assert_close(logits(model, batch), whole, rtol=1e-4, atol=1e-5)


def crop(batch, rows, columns, pad=0):
    """The batch with crops of its images and their positions; padded with 0 on the right and at the bottom."""
    images = batch['inputs']['img']
    height, width = images.shape[2:]
    cropped = torch.nn.functional.pad(images[..., rows, columns], (0, pad, 0, pad))
    samples = copy.deepcopy(batch['data_samples'])
    for sample in samples:
        window = (rows.start / height, rows.stop / height, columns.start / width, columns.stop / width)
        size = (rows.stop - rows.start, columns.stop - columns.start)
        sample.set_metainfo(dict(crop_window=window, img_shape=size, pad_shape=cropped.shape[2:], ori_shape=size))
        sample.set_metainfo(dict(img_padding_size=(0, pad, 0, pad)))
        label = torch.nn.functional.pad(sample.gt_sem_seg.data[..., rows, columns], (0, pad, 0, pad), value=255)
        sample.gt_sem_seg = PixelData(data=label)
    return dict(inputs=dict(batch['inputs'], img=cropped), data_samples=samples)


@pytest.mark.parametrize('pad', [0, 7])
@pytest.mark.parametrize('mode', ['whole', 'slide'])
@pytest.mark.parametrize('coordinates', ['image', 'input'])
def test_coordinates_of_a_crop_are_those_of_the_image_on_request(coordinates, mode, pad):
    model = build_without_context(coordinates=coordinates)
    batch, rows, columns = make_batch(model, count=2), slice(8, 24), slice(12, 48)
    expected = logits(model, batch)[..., rows, columns]
    model.test_cfg.update(mode=mode, crop_size=(16, 20), stride=(5, 11))
    found = logits(model, crop(batch, rows, columns, pad))
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5) == (coordinates == 'image')


def test_coordinates_of_the_image_reach_the_training_loss():
    """The loss of crops, one for each image, equals the loss on these pixels of the images."""
    model = build_without_context(coordinates='image').eval()
    batch, rows, columns = make_batch(model, count=2), slice(8, 24), slice(12, 48)
    cropped = model.loss(**crop(batch, rows, columns, pad=3))['decode.loss_ce']
    label = torch.full_like(batch['data_samples'][0].gt_sem_seg.data, 255)
    for sample in batch['data_samples']:
        label[..., rows, columns] = sample.gt_sem_seg.data[..., rows, columns]
        sample.gt_sem_seg.data = label.clone()
    whole = model.loss(**batch)['decode.loss_ce']
    # mmseg averages over all pixels of the input by default.
    torch.testing.assert_close(cropped * (19 * 39), whole * (32 * 48), rtol=1e-4, atol=1e-5)

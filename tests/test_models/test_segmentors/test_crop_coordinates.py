"""From AVRandomCrop through a pipeline to the position encoding and the panned audio of the model."""

import numpy as np
import pytest
import soundfile
import torch
from av_model import logits
from mmcv.transforms import Compose
from mmengine.registry import init_default_scope
from test_coordinates import build_without_context

HEIGHT, WIDTH = 24, 40
POSITION = 0.6
SECONDS = 32 * 160 / 16000


@pytest.fixture
def record(tmp_path):
    """An image whose pixels differ, with a recording at ``POSITION``."""
    noise = np.random.default_rng(0)
    soundfile.write(tmp_path / 'a.wav', noise.uniform(-0.5, 0.5, 16000), 16000)
    img = noise.permutation(HEIGHT * WIDTH * 3).astype(np.float32).reshape(HEIGHT, WIDTH, 3) % 251
    label = np.arange(HEIGHT * WIDTH, dtype=np.int64).reshape(HEIGHT, WIDTH)
    source = dict(audio_path=str(tmp_path / 'a.wav'), position=POSITION)
    shapes = dict(img_shape=(HEIGHT, WIDTH), ori_shape=(HEIGHT, WIDTH))
    return dict(img=img, gt_seg_map=label, seg_fields=['gt_seg_map'], sources=[source], audio_label=(1,), **shapes)


def batch_of(model, record, *steps):
    """The batch of a sample whose label holds the number of each pixel in the image."""
    init_default_scope('mmseg')
    record = {**record, 'seg_fields': list(record['seg_fields'])}
    sample = Compose([*steps, dict(type='PackAVSegInputs')])(record)
    inputs = {key: [value] for key, value in sample['inputs'].items()}
    # Predictions have the size of the crop and are not mirrored back.
    sample['data_samples'].set_metainfo(dict(ori_shape=sample['data_samples'].img_shape, flip=False))
    return model.data_preprocessor(dict(inputs=inputs, data_samples=[sample['data_samples']]), training=False)


LOAD = dict(type='LoadAudio', duration=SECONDS)
CROP = dict(type='AVRandomCrop', crop_size=(10, 16))
FLIP = dict(type='AVRandomFlip', prob=1.0)


@pytest.mark.parametrize('steps', [[CROP], [CROP, FLIP], [FLIP, CROP], [dict(CROP, crop_size=(20, 30)), FLIP, CROP]])
def test_crop_of_the_image_has_the_encoding_of_the_image(record, steps):
    """Without context, the logits of a crop are those of the same pixels in the complete image."""
    model = build_without_context(coordinates='image')
    flips = [FLIP] if FLIP in steps else []
    whole = batch_of(model, record, LOAD, *flips)
    numbers = whole['data_samples'][0].gt_sem_seg.data.flatten()
    place = torch.empty_like(numbers).scatter_(0, numbers, torch.arange(len(numbers)))
    expected = logits(model, whole)[0].flatten(1)
    for _ in range(3):
        cropped = batch_of(model, record, LOAD, *steps)
        pixels = place[cropped['data_samples'][0].gt_sem_seg.data.flatten()]
        assert len(pixels) == 10 * 16
        found = logits(model, cropped)[0].flatten(1)
        torch.testing.assert_close(found, expected[:, pixels], rtol=1e-4, atol=1e-5)
        model.fusion.coordinates = 'input'
        assert not torch.allclose(logits(model, cropped)[0].flatten(1), expected[:, pixels], rtol=1e-3, atol=1e-3)
        model.fusion.coordinates = 'image'


@pytest.mark.parametrize('steps', [[CROP], [CROP, FLIP], [FLIP, CROP]])
def test_panning_that_follows_the_crop_reaches_the_spectrogram(record, steps):
    """The audio of a crop is that of an image whose source lies at the place in the crop, between 0 and 1."""
    model = build_without_context(coordinates='image')
    for _ in range(3):
        follow = [dict(step, update_positions=True) if step is CROP else step for step in steps]
        cropped = batch_of(model, record, *follow, LOAD)
        columns = cropped['data_samples'][0].gt_sem_seg.data[0, 0] % WIDTH
        left, right = (columns.min() / WIDTH).item(), ((columns.max() + 1) / WIDTH).item()
        position = min(max((POSITION - left) / (right - left), 0), 1)
        position = 1 - position if FLIP in steps else position
        moved = dict(record, sources=[dict(record['sources'][0], position=position)])
        expected = batch_of(model, moved, LOAD)['inputs']['audio']
        torch.testing.assert_close(cropped['inputs']['audio'], expected, rtol=0, atol=1e-4)

import colorsys

import mmcv
import numpy as np
import pytest

from mmavs.datasets.transforms import ColorJitter
from mmavs.datasets.transforms.color_jitter import scale_contrast, shift_hue

NONE = dict(brightness=0, contrast=0, saturation=0, hue=0)


@pytest.fixture
def image():
    return np.random.randint(0, 256, (20, 30, 3)).astype(np.uint8)


def jitter(image, seed=0, **kwargs):
    np.random.seed(seed)
    return ColorJitter(**kwargs)(dict(img=image.copy()))['img']


def test_type_and_shape(image):
    out = jitter(image)
    assert out.shape == image.shape
    assert out.dtype == np.uint8
    assert (out != image).any()


def test_same_seed_same_result(image):
    np.testing.assert_array_equal(jitter(image, seed=3), jitter(image, seed=3))
    assert (jitter(image, seed=3) != jitter(image, seed=4)).any()


def test_zero_amounts_change_nothing(image):
    np.testing.assert_array_equal(jitter(image, **NONE), image)


def test_input_is_not_changed(image):
    before = image.copy()
    ColorJitter()(dict(img=image))
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize('seed', range(10))
def test_brightness_scales_all_values(image, seed):
    out = jitter(image, seed, **{**NONE, 'brightness': 0.5}).astype(float)
    dark = (image > 20) & (image < 160)  # not cut off at 255
    factors = out[dark] / image[dark]
    assert factors.max() - factors.min() < 0.06  # rounding
    assert 0.44 < factors.min() <= factors.max() < 1.56


@pytest.mark.parametrize('seed', range(10))
def test_contrast_keeps_the_mean_and_saturation_the_grays(seed):
    gray = np.repeat(np.linspace(100, 150, 50).round().astype(np.uint8)[None, :, None], 3, axis=2)
    contrast = jitter(gray, seed, **{**NONE, 'contrast': 0.5})
    assert abs(contrast.mean() - gray.mean()) < 1
    assert 0.45 < np.ptp(contrast.astype(int)) / 50 < 1.55
    saturation = jitter(gray, seed, **{**NONE, 'saturation': 0.5})
    assert np.abs(saturation.astype(int) - gray).max() <= 1


def test_factors_fill_their_range():
    gray = np.full((1, 1, 3), 100, np.uint8)
    factors = [jitter(gray, seed, **{**NONE, 'brightness': 0.5})[0, 0, 0] / 100 for seed in range(200)]
    assert 0.49 <= min(factors) < 0.55
    assert 1.45 < max(factors) <= 1.51


@pytest.mark.parametrize('amount', [-0.5, -0.25, -0.1, 0.1, 0.25, 0.5])
def test_shift_hue_against_the_standard_library(image, amount):
    out = shift_hue(image, amount)
    for pixel, shifted in zip(image.reshape(-1, 3)[:200], out.reshape(-1, 3), strict=False):
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel[::-1] / 255)
        if saturation * value < 0.3:
            continue  # the hue of a near-gray is rounded coarsely
        truth = np.array(colorsys.hsv_to_rgb((hue + amount) % 1, saturation, value))[::-1] * 255
        assert np.abs(shifted - truth).max() < 10


def test_order_is_random():
    transform = ColorJitter()
    orders = {tuple(step.__name__ for step, _ in transform._draw()) for _ in range(200)}
    assert len(orders) == 24


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(brightness=1.1), r'brightness must lie in \[0, 1\], got 1.1'),
        (dict(contrast=-0.1), 'contrast must lie in'),
        (dict(saturation=2), 'saturation must lie in'),
        (dict(hue=0.51), r'hue must lie in \[0, 0.5\], got 0.51'),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=f'ColorJitter: {message}'):
        ColorJitter(**kwargs)


def test_repr():
    assert repr(ColorJitter(0.1, 0.2, 0.3, 0.4)) == (
        'ColorJitter(brightness=0.1, contrast=0.2, saturation=0.3, hue=0.4)'
    )


@pytest.mark.parametrize('factor', [0.5, 0.83, 1.0, 1.27, 1.5])
def test_contrast_equals_that_of_mmcv(image, factor):
    for brightness in (image, image // 3, 255 - image // 3):
        np.testing.assert_array_equal(scale_contrast(brightness, factor), mmcv.adjust_contrast(brightness, factor))

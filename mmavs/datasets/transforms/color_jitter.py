from collections.abc import Callable

import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.registry import TRANSFORMS


def shift_hue(img: np.ndarray, amount: float) -> np.ndarray:
    """Shifts the hue of a BGR uint8 image by ``amount`` turns of the color circle.

    Replaces ``mmcv.adjust_hue``, which raises an OverflowError for negative amounts with numpy 2.
    """
    hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV_FULL)
    hsv[..., 0] += np.uint8(round(amount * 256) % 256)  # hue is cyclic
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR_FULL)


def scale_contrast(img: np.ndarray, factor: float) -> np.ndarray:
    """Scales the difference of a BGR uint8 image to its mean gray value by ``factor``.

    The result equals that of ``mmcv.adjust_contrast``, which takes five times as long because it uses a histogram.
    """
    mean = round(cv2.cvtColor(img, cv2.COLOR_BGR2GRAY).mean())
    values = np.arange(256, dtype=np.float32)
    table = cv2.addWeighted(values, factor, np.full_like(values, mean), 1 - factor, 0)
    return cv2.LUT(img, table.clip(0, 255).astype(np.uint8).ravel())


@TRANSFORMS.register_module()
class ColorJitter(BaseTransform):
    """Randomly changes brightness, contrast, saturation and hue, in random order.

    A property whose value is 0 is not changed.

    Required Keys:

    - img (np.ndarray): uint8, (H, W, 3), BGR

    Modified Keys:

    - img

    Args:
        brightness: The factor is drawn from [1 - brightness, 1 + brightness].
        contrast: Likewise.
        saturation: Likewise.
        hue: The shift is drawn from [-hue, hue], in turns of the color circle, at most 0.5.
    """

    def __init__(
        self, brightness: float = 0.5, contrast: float = 0.5, saturation: float = 0.5, hue: float = 0.25
    ) -> None:
        for name, value, largest in (
            ('brightness', brightness, 1),
            ('contrast', contrast, 1),
            ('saturation', saturation, 1),
            ('hue', hue, 0.5),
        ):
            if not 0 <= value <= largest:
                raise ValueError(f'ColorJitter: {name} must lie in [0, {largest}], got {value}')
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue

    @cache_randomness
    def _draw(self) -> list[tuple[Callable, float]]:
        """Draws the adjustments of a sample in their order."""
        around_one = lambda width: np.random.uniform(1 - width, 1 + width)  # noqa: E731
        steps = [
            (mmcv.adjust_brightness, around_one(self.brightness), self.brightness),
            (scale_contrast, around_one(self.contrast), self.contrast),
            (mmcv.adjust_color, around_one(self.saturation), self.saturation),
            (shift_hue, np.random.uniform(-self.hue, self.hue), self.hue),
        ]
        # The conversion to HSV rounds every pixel, so a hue shift by 0 is skipped.
        return [steps[i][:2] for i in np.random.permutation(len(steps)) if steps[i][2] > 0]

    def transform(self, results: dict) -> dict:
        """Changes ``img``, which remains uint8."""
        img = results['img']
        for adjust, amount in self._draw():
            img = adjust(img, amount).astype(np.uint8)
        results['img'] = img
        return results

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(brightness={self.brightness}, contrast={self.contrast}, '
            f'saturation={self.saturation}, hue={self.hue})'
        )

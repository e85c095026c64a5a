import numpy as np
from mmseg.datasets.transforms import RandomCrop
from mmseg.registry import TRANSFORMS

from mmavs.audio.mixing import is_position


@TRANSFORMS.register_module()
class AVRandomCrop(RandomCrop):
    """mmseg's ``RandomCrop`` that records the position of the crop in the image, and can adapt the source positions.

    A model with ``fusion.coordinates='image'`` uses the window for its position encoding. By default, sources are
    panned by their position in the complete image, as in the paper.

    Required Keys: those of ``RandomCrop``, and

    - sources (list[dict]): with ``position``, 0 left to 1 right, if ``update_positions``
    - crop_window (tuple[float]): the window of a previous crop, optional

    Modified Keys: those of ``RandomCrop``, and

    - sources: if ``update_positions``

    Added Keys:

    - crop_window (tuple[float]): (top, bottom, left, right) of the crop, fractions of the height and width of the image

    Args:
        crop_size: (height, width) in pixels.
        update_positions: Makes the positions of the sources relative to the crop, clamped to [0, 1]: a source left of
            the crop is at 0. ``LoadAudio`` must come after this transform, since it pans the sources.
        kwargs: Other arguments of ``RandomCrop``.
    """

    def __init__(self, crop_size: int | tuple[int, int], *, update_positions: bool = False, **kwargs) -> None:
        super().__init__(crop_size, **kwargs)
        self.update_positions = update_positions

    def crop_bbox(self, results: dict) -> tuple:
        """Draws the crop in pixels, (top, bottom, left, right), and records it in ``results``."""
        box = super().crop_bbox(results)
        window = np.clip(np.divide(box, np.repeat(results['img'].shape[:2], 2)), 0, 1).tolist()
        if self.update_positions:
            self._update_positions(results, *window[2:])
        top, bottom, left, right = results.get('crop_window', (0.0, 1.0, 0.0, 1.0))
        height, width = bottom - top, right - left
        results['crop_window'] = (
            *(top + edge * height for edge in window[:2]),
            *(left + edge * width for edge in window[2:]),
        )
        return box

    def _update_positions(self, results: dict, left: float, right: float) -> None:
        if 'audio' in results:
            raise ValueError(
                'AVRandomCrop: update_positions=True has no effect on audio that is already mixed: put LoadAudio after '
                'AVRandomCrop in the pipeline'
            )
        results['sources'] = [
            {**s, 'position': min(1.0, max(0.0, (s['position'] - left) / (right - left)))}
            if is_position(s.get('position'))
            else s
            for s in results['sources']
        ]

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, update_positions={self.update_positions})'

from mmcv.transforms import RandomFlip
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class AVRandomFlip(RandomFlip):
    """mmcv's ``RandomFlip`` that also mirrors the audio.

    If the image is flipped horizontally, the two channels of stereo audio are swapped, which is the same as panning
    every source to 1 - alpha. Mono audio is unchanged. The positions of the sources are mirrored, so that audio loaded
    afterwards is mirrored as well.

    Required Keys: those of ``RandomFlip``, and

    - audio (torch.Tensor): (channels, samples), optional
    - sources (list[dict]): with ``position``, 0 left to 1 right, optional
    - crop_window (tuple[float]): (top, bottom, left, right) of a crop, fractions of the image, optional

    Modified Keys: those of ``RandomFlip``, and

    - audio
    - sources
    - crop_window

    Added Keys: those of ``RandomFlip``, and

    - mirrored (bool): True if the image is mirrored horizontally compared to its file
    """

    def _flip(self, results: dict) -> None:
        super()._flip(results)
        horizontal, vertical = (results['flip_direction'] in (d, 'diagonal') for d in ('horizontal', 'vertical'))
        if 'crop_window' in results:
            top, bottom, left, right = results['crop_window']
            results['crop_window'] = (
                *((1 - bottom, 1 - top) if vertical else (top, bottom)),
                *((1 - right, 1 - left) if horizontal else (left, right)),
            )
        if not horizontal:
            return
        results['mirrored'] = not results.get('mirrored', False)
        if 'audio' in results:
            results['audio'] = results['audio'].flip(0)
        if 'sources' in results:
            results['sources'] = [
                {**s, 'position': 1 - s['position']} if 'position' in s else s for s in results['sources']
            ]

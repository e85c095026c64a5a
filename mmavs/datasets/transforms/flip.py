from typing import Dict

from mmcv.transforms import RandomFlip
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class AVRandomFlip(RandomFlip):
    """mmcv's ``RandomFlip`` that mirrors the sound with the image.

    When the image is flipped horizontally, the two channels of a stereo sound change places, which is the same as
    panning every source to 1 - alpha. Mono sound stays as it is.

    Required Keys: those of ``RandomFlip``, and

    - audio (torch.Tensor): (channels, samples), optional

    Modified Keys: those of ``RandomFlip``, and

    - audio
    """

    def _flip(self, results: Dict) -> None:
        super()._flip(results)
        if 'audio' in results and results['flip_direction'] in ('horizontal', 'diagonal'):
            results['audio'] = results['audio'].flip(0)

from mmcv.transforms import RandomFlip
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class AVRandomFlip(RandomFlip):
    """mmcv's ``RandomFlip`` that mirrors the sound with the image.

    When the image is flipped horizontally, the two channels of a stereo sound change places, which is the same as
    panning every source to 1 - alpha. Mono sound stays as it is. The positions of the sources follow, so that a sound
    that is loaded or drawn afterwards is mirrored too.

    Required Keys: those of ``RandomFlip``, and

    - audio (torch.Tensor): (channels, samples), optional
    - sources (list[dict]): with ``position``, 0 left to 1 right, optional

    Modified Keys: those of ``RandomFlip``, and

    - audio
    - sources
    """

    def _flip(self, results: dict) -> None:
        super()._flip(results)
        if results['flip_direction'] not in ('horizontal', 'diagonal'):
            return
        if 'audio' in results:
            results['audio'] = results['audio'].flip(0)
        if 'sources' in results:
            results['sources'] = [{**s, 'position': 1 - s['position']} for s in results['sources']]

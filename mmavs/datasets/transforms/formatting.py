from collections.abc import Sequence

import torch
from mmseg.datasets.transforms import PackSegInputs
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PackAVSegInputs(PackSegInputs):
    """mmseg's ``PackSegInputs`` for a sample with sound.

    Required Keys: those of ``PackSegInputs``, and

    - audio (torch.Tensor): (channels, samples)

    Added Keys:

    - inputs (dict): ``img`` (torch.Tensor, uint8, (3, H, W)) and ``audio`` (torch.Tensor, float32, (channels,
      samples))
    - data_samples (SegDataSample): as in mmseg; its meta information also holds ``audio_label`` (tuple[int], the
      classes that sound, in order), ``sources`` and, of frames of a video, ``clip`` and ``frame``

    Args:
        meta_keys: Keys of the sample that go into the meta information.
    """

    def __init__(
        self,
        meta_keys: Sequence[str] = (
            'img_path',
            'seg_map_path',
            'ori_shape',
            'img_shape',
            'pad_shape',
            'scale_factor',
            'flip',
            'flip_direction',
            'reduce_zero_label',
            'audio_label',
            'sources',
            'clip',
            'frame',
        ),
    ) -> None:
        super().__init__(meta_keys)

    def transform(self, results: dict) -> dict:
        """Packs image and sound into ``inputs``, everything else into ``data_samples``."""
        audio = results.get('audio')
        if not isinstance(audio, torch.Tensor) or audio.ndim != 2:
            found = f'shape {tuple(audio.shape)}' if isinstance(audio, torch.Tensor) else repr(type(audio))
            raise ValueError(
                'PackAVSegInputs needs results["audio"] as a tensor (channels, samples), got '
                f'{found}: is LoadAudio in the pipeline?'
            )
        packed = super().transform(results)
        packed['inputs'] = dict(img=packed['inputs'], audio=audio)
        return packed

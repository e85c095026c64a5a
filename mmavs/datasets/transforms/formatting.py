from collections.abc import Sequence

import torch
from mmseg.datasets.transforms import PackSegInputs
from mmseg.registry import TRANSFORMS

META_KEYS = (
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
    'sample_rate',
    'clip',
    'frame',
    'category',
    'crop_window',
)


@TRANSFORMS.register_module()
class PackAVSegInputs(PackSegInputs):
    """mmseg's ``PackSegInputs`` for a sample with audio.

    Required Keys: those of ``PackSegInputs``, and

    - audio (torch.Tensor): (channels, samples)

    Added Keys:

    - inputs (dict): ``img`` (torch.Tensor, uint8, (3, H, W)) and ``audio`` (torch.Tensor, float32, (channels,
      samples))
    - data_samples (SegDataSample): as in mmseg. Its meta information also contains ``audio_label`` (tuple[int], the
      sounding classes in order), ``sources`` and ``sample_rate`` (Hz); of frames of a video, ``clip``, ``frame`` and,
      where it is known, the ``category`` (str) of the video; of crops by ``AVRandomCrop``, ``crop_window``

    Args:
        meta_keys: Keys of the sample that are copied to the meta information; keys that it does not have are skipped.
    """

    def __init__(self, meta_keys: Sequence[str] = META_KEYS) -> None:
        super().__init__(meta_keys)

    def transform(self, results: dict) -> dict:
        """Packs image and audio into ``inputs``, everything else into ``data_samples``."""
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

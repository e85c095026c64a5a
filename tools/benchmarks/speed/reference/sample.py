"""Loading of a sample: reads complete recordings, makes a resampler for each, compares masks with each value."""

from collections.abc import Callable, Sequence

import mmcv
import numpy as np
import soundfile
import torch
from mmcv.transforms import BaseTransform
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import TRANSFORMS
from torch import Tensor
from torchaudio.transforms import Resample

from mmavs.datasets.transforms.color_jitter import ColorJitter, scale_contrast

SAMPLE_RATE = 16000


def load_audio(sources: Sequence[dict], seconds: float) -> Tensor:
    """Stereo waveform (2, samples) of recordings that are longer than ``seconds``."""
    count = int(seconds * SAMPLE_RATE)
    mixed = torch.zeros(2, count)
    for source in sources:
        samples, rate = soundfile.read(source['audio_path'], dtype='float32', always_2d=True)
        waveform = Resample(rate, SAMPLE_RATE)(torch.from_numpy(samples.mean(axis=1)))
        start = (len(waveform) - count) // 2
        waveform = waveform[start : start + count]
        mixed += torch.stack([waveform * (1 - source['position']), waveform * source['position']])
    return mixed


@TRANSFORMS.register_module()
class PlainLoadAudio(BaseTransform):
    """Reference implementation of ``LoadAudio``."""

    def __init__(self, duration: float, channels: int) -> None:
        assert channels == 2, 'the reference implementation is for stereo audio'
        self.duration = duration

    def transform(self, results: dict) -> dict:
        results['audio'] = load_audio(results['sources'], self.duration)
        return results


@TRANSFORMS.register_module()
class PlainLoadAnnotations(LoadAnnotations):
    """Reference implementation of ``LoadAVAnnotations``."""

    def _load_seg_map(self, results: dict) -> None:
        mask = mmcv.imread(results['seg_map_path'], flag='unchanged')
        labels = np.full_like(mask, results['label_table'][255])
        for value, index in enumerate(results['label_table']):
            if index not in (254, 255):  # unknown, ignored
                labels[mask == value] = index
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')


@TRANSFORMS.register_module()
class PlainColorJitter(ColorJitter):
    """Reference implementation of ``ColorJitter``, with mmcv's change of contrast."""

    def _draw(self) -> list[tuple[Callable, float]]:
        return [(mmcv.adjust_contrast if f is scale_contrast else f, amount) for f, amount in super()._draw()]

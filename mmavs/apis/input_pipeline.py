"""The test pipeline of a config, for pictures and audio without a dataset."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mmcv.transforms import Compose
from mmengine.config import ConfigDict
from torch import Tensor

from mmavs.datasets.transforms import LoadAudio

from .pictures import load_picture, resize_picture

_IMAGE_STEPS = ('LoadFrame', 'LoadImageFromFile', 'InferencerLoader')
_ANNOTATION_STEPS = ('LoadAVAnnotations', 'LoadAnnotations')


@dataclass
class Sample:
    """A picture and its audio.

    Attributes:
        picture: See :func:`load_picture`.
        sources: Records of the sounds for ``LoadAudio``; an empty list is silence.
        audio: float32 (channels, samples), the input of the network without further processing; replaces ``sources``.
        keep_channels: Keeps the channels of stereo sounds; None uses the setting of the training.
        name: Name of the picture, for outputs.
        meta: Further meta information of the data sample: ``clip``, ``frame``, ``time``.
    """

    picture: Any
    sources: Sequence[dict] = ()
    audio: Tensor | None = None
    keep_channels: bool | None = None
    name: str = ''
    meta: dict = field(default_factory=dict)


class InputPipeline:
    """Turns a :class:`Sample` into an input of the network, with the settings of the config's test pipeline.

    Steps that load annotations are left out. A picture that the pipeline resizes at loading (``LoadFrame(size=...)``)
    still gets a prediction of its original size.

    Args:
        steps: The test pipeline of the config.
        max_size: Larger pictures are reduced until their longer side has this many pixels; None does not reduce them.
            Predictions have the size of the picture.

    Attributes:
        load_audio: The step with the settings of the audio.

    Raises:
        ValueError: The pipeline has no step that loads pictures, or none that loads audio.
    """

    def __init__(self, steps: Sequence[dict], max_size: int | None = None) -> None:
        if max_size is not None and max_size < 1:
            raise ValueError(f'max_size must be at least 1 pixel, got {max_size}')
        self.max_size = max_size
        names = [_short(step) for step in steps]
        images = [step for step, name in zip(steps, names, strict=True) if name in _IMAGE_STEPS]
        audio = [step for step, name in zip(steps, names, strict=True) if name == 'LoadAudio']
        if not images or not audio:
            raise ValueError(
                f'the test pipeline of the config needs {" or ".join(_IMAGE_STEPS[:2])} and LoadAudio, it has '
                f'{", ".join(names)}: the network needs pictures with audio'
            )
        self.size = images[0].get('size')
        self.load_audio = LoadAudio(**{key: value for key, value in audio[0].items() if key != 'type'})
        loading = (*_IMAGE_STEPS, *_ANNOTATION_STEPS, 'LoadAudio')
        self.steps = Compose([step for step, name in zip(steps, names, strict=True) if name not in loading])

    def __call__(self, sample: Sample) -> tuple[np.ndarray, dict]:
        """Returns the picture, uint8 (H, W, 3) BGR, and ``inputs`` and ``data_samples`` as ``PackAVSegInputs`` does.

        Raises:
            OSError, ValueError: The picture or the audio cannot be used, see :func:`load_picture` and ``LoadAudio``.
        """
        image = load_picture(sample.picture)
        results = dict(sample.meta, img_path=sample.name, ori_shape=image.shape[:2], sources=list(sample.sources))
        results['img'] = resize_picture(image, self.size or self._reduced_size(image.shape[:2]))
        results['img_shape'] = results['img'].shape[:2]
        if sample.audio is None:
            results = self._audio_step(sample.keep_channels).transform(results)
        else:
            results['audio'] = sample.audio
        results.pop('sources')  # their classes are not known
        packed = self.steps(results)
        packed['data_samples'].set_metainfo(sample.meta)
        return image, packed

    def _reduced_size(self, size: tuple[int, int]) -> tuple[int, int] | None:
        if self.max_size is None or max(size) <= self.max_size:
            return None
        scale = self.max_size / max(size)
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def _audio_step(self, keep_channels: bool | None) -> LoadAudio:
        step = self.load_audio
        if keep_channels is None or keep_channels == step.keep_channels or step.channels == 1:
            return step
        step = copy.copy(step)
        step.keep_channels = keep_channels
        return step


def _short(step: dict | ConfigDict) -> str:
    """Name of a step's class, without the scope."""
    name = step['type']
    return name.rsplit('.', 1)[-1] if isinstance(name, str) else name.__name__

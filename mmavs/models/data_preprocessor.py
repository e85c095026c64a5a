import warnings
from typing import Any

import torch
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from mmavs.audio.log_mel import LogMel, append_level_difference

_FORMER_FRAMES = (96, 100)  # num_frames of AVSBench configs of version 0.1, and the number of frames of 1 s of audio


@MODELS.register_module()
class AVDataPreProcessor(SegDataPreProcessor):
    """mmseg's ``SegDataPreProcessor`` that also turns the waveforms into log-mel spectrograms.

    The length of the audio is set by ``duration`` of ``LoadAudio`` alone: the spectrogram has a frame for each 160
    samples of it, 300 for 3 s.

    Args:
        num_frames: Expected number of frames, which is checked; None for no check.
        level_difference: Appends a third channel to the spectrograms of stereo audio: left minus right, which for a
            single source depends on its position alone. The paper's network takes left and right only.
        non_blocking: Copies a batch to the device while that still computes the step before, where the data loader has
            ``pin_memory=True``. The host would wait for the device otherwise, once for each tensor.
        kwargs: Other arguments of ``SegDataPreProcessor``. ``test_cfg=dict(size=(height, width))`` is the minimum size
            at test: smaller images are padded on the right and at the bottom, and predictions have the size of the
            image. SegFormer and ConvNeXt need at least 32 x 32.
    """

    def __init__(
        self, num_frames: int | None = None, level_difference: bool = False, non_blocking: bool = True, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self._non_blocking = non_blocking  # mmseg's SegDataPreProcessor does not pass it on
        # mmseg exchanges the channels by a list of indices, which it copies to the device for each image.
        self._exchange_channels, self.channel_conversion = self.channel_conversion, False
        self.num_frames = num_frames
        self.level_difference = level_difference
        self.log_mel = LogMel()

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Batches a list of samples.

        Args:
            data: ``inputs`` with ``img`` (list of (3, H, W)) and ``audio`` (list of (channels, samples)), and
                ``data_samples``.
            training: Pads images and labels to ``size`` if True, and images according to ``test_cfg`` if False.

        Returns:
            dict: ``inputs`` with ``img`` (B, 3, H, W) and ``audio`` (B, channels, frames, mels), with one channel more
            if ``level_difference``, and ``data_samples``. If none are given and ``test_cfg`` is set, they are created
            with the size of the images before padding.

        Raises:
            TypeError: ``inputs`` does not have an image and audio.
            ValueError: The waveforms differ in shape, their sample rate is not that of the spectrogram, their length
                does not match ``num_frames``, ``level_difference`` is used with mono audio, or the images differ in
                size after padding.
        """
        inputs = data['inputs']
        if not isinstance(inputs, dict) or not {'img', 'audio'} <= set(inputs):
            raise TypeError(
                'AVDataPreProcessor needs inputs = dict(img=..., audio=...): end the pipeline with '
                f'PackAVSegInputs. Got {type(inputs).__name__}'
            )
        shapes = {tuple(a.shape) for a in inputs['audio']}
        if len(shapes) > 1:
            raise ValueError(f'the waveforms of a batch differ in shape (channels, samples): {sorted(shapes)}')
        self._check_sample_rate(data.get('data_samples'))
        self._check_image_sizes(inputs['img'], training)
        images = self.cast_data(list(inputs['img']))
        if self._exchange_channels and len(images[0]) == 3:
            images = [image.flip(0) for image in images]
        data = dict(data, inputs=images)
        if self.test_cfg and not training and data.get('data_samples') is None:
            data['data_samples'] = [_sample_of(img) for img in inputs['img']]
        result = super().forward(data, training)
        audio = self.cast_data(torch.stack(list(inputs['audio'])))
        log_mel = self._check_frames(self.log_mel(audio), audio.shape[-1])
        if self.level_difference:
            log_mel = append_level_difference(log_mel)
        result['inputs'] = dict(img=result['inputs'], audio=log_mel)
        return result

    def _check_sample_rate(self, data_samples: list[SegDataSample] | None) -> None:
        """Checks the rate of ``LoadAudio``. Samples without a rate, from a custom pipeline, are accepted."""
        expected = self.log_mel.spec.sample_rate
        rates = {sample.metainfo.get('sample_rate', expected) for sample in data_samples or ()} - {expected}
        if rates:
            raise ValueError(
                f'sample_rate={min(rates)} of LoadAudio does not match model.data_preprocessor, whose log-mel '
                f'spectrogram is that of audio at {expected} Hz: remove sample_rate of LoadAudio from all pipelines, '
                'which resamples recordings of any rate'
            )

    def _check_frames(self, log_mel: Tensor, num_samples: int) -> Tensor:
        """Returns the spectrograms (B, channels, frames, mels) after a check of the number of frames."""
        frames = log_mel.shape[-2]
        if self.num_frames in (None, frames):
            return log_mel
        if (self.num_frames, frames) == _FORMER_FRAMES:
            warnings.warn(
                'model.data_preprocessor.num_frames=96 with 1 s of audio (100 frames) is the setting of mmavs 0.1. '
                'Remove num_frames: VGGish takes the first 96 frames by itself',
                FutureWarning,
                stacklevel=2,
            )
            return log_mel[..., : self.num_frames, :]
        spec = self.log_mel.spec
        raise ValueError(
            f'model.data_preprocessor.num_frames={self.num_frames} does not match `duration` of LoadAudio: '
            f'{num_samples} samples, {num_samples / spec.sample_rate:g} s, give {frames} frames. Remove num_frames, or '
            f'set duration={self.num_frames * spec.hop_length / spec.sample_rate:g} in LoadAudio of all pipelines'
        )

    def _check_image_sizes(self, images: list[Tensor], training: bool) -> None:
        """Checks that the padded images have one size. With ``size_divisor``, mmseg pads them to a common size."""
        options = dict(size=self.size, size_divisor=self.size_divisor) if training else (self.test_cfg or {})
        if options.get('size_divisor') is not None:
            return
        height, width = options.get('size') or (0, 0)
        sizes = sorted({(max(image.shape[-2], height), max(image.shape[-1], width)) for image in images})
        if len(sizes) > 1:
            remedy = (
                'end the transforms of train_pipeline with a RandomCrop of crop_size=model.data_preprocessor.size '
                '(a transform after it, such as RandomRotFlip, may exchange height and width)'
                if training
                else 'set batch_size=1 of the test data loader, or Resize with keep_ratio=False'
            )
            raise ValueError(f'the images of a batch differ in size (height, width): {sizes}; {remedy}')


def _sample_of(img: Tensor) -> SegDataSample:
    size = tuple(img.shape[1:])
    return SegDataSample(metainfo=dict(ori_shape=size, img_shape=size))

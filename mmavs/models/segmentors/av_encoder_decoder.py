from collections.abc import Sequence
from typing import Any

import torch
from mmseg.models import CascadeEncoderDecoder, EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor

from ..builder import unknown_key_errors
from ..full_precision import classify_in_full_precision
from ..fusion.clips import count_frames
from ..fusion.levels import get_map
from ..fusion.window import WHOLE, Window, input_window, sliding_windows
from ..losses.pairing import Draw, gather_pixels, resize_label
from ..memory_format import use_channels_last
from ..timm_weights import timm_download_remedy
from .checks import check_auxiliary_heads, check_class_weights, check_contrast_level

Prompts = dict[str, Any]
"""Name -> further input of the fusion. ``audio``: (B, D) or (B, T, D). ``frames``: frames of each
clip, for a fusion whose ``needs_frames`` is true."""


@MODELS.register_module()
class AVEncoderDecoder(EncoderDecoder):
    """mmseg's ``EncoderDecoder`` with audio: backbone -> neck -> fusion with the audio embedding -> heads.

    Works with backbones, necks and heads of mmseg. In training the contrastive loss compares fused features of original
    and shuffled audio-visual pairs. The visual features are computed once, and only the pixels that the loss reads are
    fused with shuffled audio. The last convolution of the decode head computes in float32, also with mixed precision.

    Args:
        backbone: Visual backbone.
        decode_head: Reads the fused levels, and others if its ``in_index`` names them.
        audio_backbone: log-mel (B, channels, frames, mels) -> (B, D) or (B, T, D).
        fusion: Fusion module, see :class:`CrossAttentionFusion`.
        contrast_loss: :class:`CAVPLoss`, :class:`SupConLoss`, :class:`OriginalPairsLoss` or None.
        contrast_level: The fused level that the contrastive loss reads; the first of ``fusion.in_index`` by default.
        auxiliary_head: May read only fused levels, since other features do not depend on the audio.
        channels_last: Converts weights, and thereby features, to channels-last memory format. Convolutions are 10 to 20
            % faster on a CPU. Some backbones and heads of mmseg do not support it. See :func:`use_channels_last` for
            convolutions that stay contiguous.
        kwargs: Other arguments of ``EncoderDecoder``.

    Raises:
        ConnectionError: Pretrained weights of timm cannot be downloaded.
        TypeError: A part has a key that its class does not take, or ``decode_head`` is a list.
        ValueError: Parts do not fit together.
    """

    def __init__(
        self,
        backbone: dict,
        decode_head: dict,
        audio_backbone: dict,
        fusion: dict,
        contrast_loss: dict | None = None,
        contrast_level: int | None = None,
        channels_last: bool = False,
        **kwargs,
    ) -> None:
        is_cascade = 'num_stages' in kwargs or not isinstance(decode_head, dict)
        if is_cascade and not isinstance(self, CascadeEncoderDecoder):
            raise TypeError(
                "AVEncoderDecoder has one decode_head and no num_stages: use type='AVCascadeEncoderDecoder' for a "
                'cascade, as in OCRNet and PointRend'
            )
        audio_parts = dict(audio_backbone=audio_backbone, fusion=fusion, contrast_loss=contrast_loss)
        cfg = dict(type=type(self), backbone=backbone, decode_head=decode_head, **audio_parts, **kwargs)
        with unknown_key_errors(cfg), timm_download_remedy(backbone):
            super().__init__(backbone=backbone, decode_head=decode_head, **kwargs)
            self.audio_backbone = MODELS.build(audio_backbone)
            self.fusion = MODELS.build(fusion)
            self.contrast_loss = None if contrast_loss is None else MODELS.build(contrast_loss)
        self.contrast_level = self.fusion.in_index[0] if contrast_level is None else contrast_level
        check_contrast_level(self.contrast_level, self.fusion.in_index)
        check_auxiliary_heads(self, self.fusion.in_index)
        check_class_weights(self)
        classify_in_full_precision(self.decode_head)
        if channels_last:
            use_channels_last(self)

    def encode_prompts(self, inputs: dict[str, Tensor], data_samples: list | None = None) -> Prompts:
        """Embeds the inputs of the fusion other than the image.

        A subclass adds further prompts, such as a text or a box, from ``inputs`` or ``data_samples``. They reach
        the fusion as keyword arguments of the same names.

        Args:
            inputs: As in :meth:`loss`.
            data_samples: As in :meth:`loss`; None in a prediction without meta information.
        """
        prompts: Prompts = dict(audio=self.audio_backbone(inputs['audio']))
        if getattr(self.fusion, 'needs_frames', False):
            metas = None if data_samples is None else [s.metainfo for s in data_samples]
            prompts['frames'] = count_frames(metas, len(inputs['img']))
        return prompts

    @property
    def _coordinates(self) -> str | None:
        return getattr(self.fusion, 'coordinates', None)

    def _input_window(self, images: Tensor, metas: list[dict]) -> Window:
        """Position of network inputs in their images, see ``coordinates`` of :class:`CrossAttentionFusion`."""
        return input_window(metas, images.shape[2:], images) if self._coordinates == 'image' else WHOLE

    def _window_argument(self, window: Window) -> dict[str, Window]:
        """The argument ``window`` of the fusion, if it has one."""
        return {} if self._coordinates is None else dict(window=window)

    def _check_inputs(self, inputs: dict[str, Tensor]) -> Tensor:
        """Checks the inputs and returns the images."""
        if not isinstance(inputs, dict) or not {'img', 'audio'} <= set(inputs):
            raise TypeError(
                f'{type(self).__name__} needs inputs = dict(img=..., audio=...), which PackAVSegInputs and '
                f'AVDataPreProcessor make; got {type(inputs).__name__}'
            )
        return inputs['img']

    def loss(self, inputs: dict[str, Tensor], data_samples: list) -> dict[str, Tensor]:
        """Losses of a batch: those of the heads on original pairs, and the contrastive loss.

        Args:
            inputs: ``img`` (B, 3, H, W), normalized, and ``audio`` (B, channels, frames, mels).
            data_samples: With ``gt_sem_seg`` and the meta key ``audio_label``.
        """
        visual = self.encode_visual(self._check_inputs(inputs), data_samples)
        prompts = self.encode_prompts(inputs, data_samples)
        fused = self.fusion.fuse(visual, **prompts)
        losses = self._decode_head_forward_train(fused, data_samples)
        if self.with_auxiliary_head:
            check_auxiliary_heads(self, self.fusion.in_index, len(fused))
            losses.update(self._auxiliary_head_forward_train(fused, data_samples))
        if self.contrast_loss is not None:
            check_contrast_level(self.contrast_level, self.fusion.in_index, len(fused))
            losses.update(self._contrast(visual, get_map(fused[self.contrast_level]), prompts, data_samples))
        return losses

    def encode_visual(self, images: Tensor, data_samples: list | None = None) -> Any:
        """The part of the fused features that does not depend on the audio: the output of ``fusion.encode``.

        Args:
            images: (B, 3, H, W), normalized.
            data_samples: As in :meth:`loss`. Without them, images count as complete and not padded.
        """
        window = WHOLE if data_samples is None else self._input_window(images, [s.metainfo for s in data_samples])
        return self.fusion.encode(self.extract_feat(images), **self._window_argument(window))

    def _contrast(self, visual, fused: Tensor, prompts: Prompts, data_samples: list) -> dict[str, Tensor]:
        """The contrastive loss of a batch: draw pixels, fuse those of shuffled pairs, compare.

        Args:
            visual: Encoded visual features, the same for both kinds of pairs.
            fused: (B, C, h, w), fused with the original audio.
            prompts: See :meth:`encode_prompts`.
            data_samples: With ``gt_sem_seg`` and the meta key ``audio_label``.
        """
        label = torch.stack([s.gt_sem_seg.data[0] for s in data_samples])
        draw = self.contrast_loss.draw(resize_label(label, fused.shape[2:]), [s.metainfo for s in data_samples])

        features, labels = gather_pixels(fused, draw.original), draw.original.label
        if len(draw.shuffled.label):
            image, pixel, shuffled_labels = draw.shuffled
            shuffled = dict(prompts, audio=prompts['audio'][draw.permutation])
            shuffled = self.fusion.fuse_pixels(visual, level=self.contrast_level, image=image, pixel=pixel, **shuffled)
            features, labels = torch.cat([features, shuffled.to(features.dtype)]), torch.cat([labels, shuffled_labels])

        losses = {self.contrast_loss.loss_name: self.contrast_loss(features, labels)}
        if self.contrast_loss.positive_share is not None:
            losses.update(_count_pixels(draw))
        return losses

    def predict(self, inputs: dict[str, Tensor], data_samples: list | None = None) -> list:
        """Segments a batch; see ``EncoderDecoder.predict``. ``inputs`` as in :meth:`loss`.

        The logits are float32, also with mixed precision.
        """
        images = self._check_inputs(inputs)
        if data_samples is not None:
            metas = [s.metainfo for s in data_samples]
        else:
            size = tuple(images.shape[2:])
            metas = [dict(ori_shape=size, img_shape=size, pad_shape=size, padding_size=[0] * 4) for _ in images]
        logits = self.inference(images, metas, self.encode_prompts(inputs, data_samples))
        return self.postprocess_result(logits.float(), data_samples)

    def inference(self, inputs: Tensor, batch_img_metas: list[dict], prompts: Prompts) -> Tensor:
        """Logits (B, classes, H, W) of images (B, 3, H, W), computed from the complete images or from crops.

        Args:
            inputs: Images, normalized.
            batch_img_metas: Meta information of each.
            prompts: See :meth:`encode_prompts`.

        Raises:
            ValueError: ``test_cfg.mode`` is unknown.
        """
        mode, window = self.test_cfg.get('mode', 'whole'), self._input_window(inputs, batch_img_metas)
        if mode == 'whole':
            return self.encode_decode(inputs, batch_img_metas, prompts, window)
        if mode == 'slide':
            return self.slide_inference(inputs, batch_img_metas, prompts, window)
        raise ValueError(f"model.test_cfg.mode must be 'whole' or 'slide', got {mode!r}")

    def slide_inference(
        self, inputs: Tensor, batch_img_metas: list[dict], prompts: Prompts, window: Window = WHOLE
    ) -> Tensor:
        """Logits (B, classes, H, W), averaged where crops overlap. Each crop is fused with the prompts of its image.

        Args:
            inputs: (B, 3, H, W), normalized.
            batch_img_metas: Meta information of each image.
            prompts: See :meth:`encode_prompts`.
            window: Position of the network inputs in their images.
        """
        height, width = inputs.shape[2:]
        logits = inputs.new_zeros(len(inputs), self.out_channels, height, width)
        counts = inputs.new_zeros(height, width)
        for rows, columns in sliding_windows((height, width), self.test_cfg.crop_size, self.test_cfg.stride):
            images = inputs[..., rows, columns]
            # mmseg's heads resize their output to `img_shape` only if it is a torch.Size.
            metas = [{**meta, 'img_shape': images.shape[2:]} for meta in batch_img_metas]
            crop = Window(rows.start / height, rows.stop / height, columns.start / width, columns.stop / width)
            logits[..., rows, columns] += self.encode_decode(images, metas, prompts, window.crop(crop))
            counts[rows, columns] += 1
        return logits / counts

    def encode_decode(
        self, inputs: Tensor, batch_img_metas: list[dict], prompts: Prompts, window: Window = WHOLE
    ) -> Tensor:
        """Logits (B, classes, H, W) of images or crops; arguments as in :meth:`slide_inference`."""
        fused = self.fusion(self.extract_feat(inputs), **prompts, **self._window_argument(window))
        return self.predict_by_heads(fused, batch_img_metas)

    def predict_by_heads(self, fused: Sequence[Tensor], batch_img_metas: list[dict]) -> Tensor:
        """Logits (B, classes, H, W) of the decode head, at the size of the input."""
        return self.decode_head.predict(fused, batch_img_metas, self.test_cfg)

    def forward_heads(self, fused: Sequence[Tensor]) -> Tensor:
        """The decode head's output, without postprocessing."""
        return self.decode_head(fused)

    def _forward(self, inputs: dict[str, Tensor], data_samples: list | None = None) -> Tensor:
        """The decode head's output, without postprocessing: ``mode='tensor'``."""
        images = self._check_inputs(inputs)
        window = WHOLE if data_samples is None else self._input_window(images, [s.metainfo for s in data_samples])
        prompts = self.encode_prompts(inputs, data_samples)
        fused = self.fusion(self.extract_feat(images), **prompts, **self._window_argument(window))
        return self.forward_heads(fused)


def _count_pixels(draw: Draw) -> dict[str, Tensor]:
    """Numbers of drawn pixels, for the log."""
    label = draw.original.label
    foreground = (label > 0).sum().float()
    return {
        'contrast.foreground': foreground,
        'contrast.background': len(label) - foreground,
        'contrast.shuffled': torch.full_like(foreground, len(draw.shuffled.label)),
    }

import torch
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor

from ..full_precision import FullPrecisionConv2d
from ..fusion.window import add_places, split_places
from ..losses.pairing import Draw, gather_pixels, resize_label
from ..memory_format import use_channels_last

_AUDIO_KEY, _SIZE_KEY = 'audio_embedding', 'windowed_size'


@MODELS.register_module()
class AVEncoderDecoder(EncoderDecoder):
    """mmseg's ``EncoderDecoder`` that hears: backbone -> neck -> fusion with the sound -> heads.

    Works with any backbone, neck and heads of mmseg. In training the contrastive loss compares the fused features
    with those of swapped sound; the visual features are computed once, and only pixels that the loss reads are fused
    with swapped sound. The classifier's last convolution computes in 32 bits, with mixed precision too.

    Args:
        backbone: Visual backbone.
        decode_head: Reads the fused levels, and others if it asks for them.
        audio_backbone: log-mel (B, channels, frames, mels) -> (B, D) or (B, T, D).
        fusion: Fusion module, see :class:`CrossAttentionFusion`.
        contrast_loss: :class:`CAVPLoss`, :class:`SupConLoss`, :class:`OriginalPairsLoss` or None.
        contrast_level: The fused level that the contrastive loss sees.
        auxiliary_head: May read fused levels only: unfused ones can't know which object sounds.
        channels_last: Keeps weights, and with them the features, with their channels last in memory. Faster for
            convolutions, by a tenth or two on a CPU; some backbones and heads of mmseg refuse such features. See
            :func:`use_channels_last` for what is refused on a CPU.
        kwargs: Those of ``EncoderDecoder``.
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
        super().__init__(backbone=backbone, decode_head=decode_head, **kwargs)
        self.audio_backbone = MODELS.build(audio_backbone)
        self.fusion = MODELS.build(fusion)
        self.contrast_loss = None if contrast_loss is None else MODELS.build(contrast_loss)
        self.contrast_level = self.fusion.in_index[0] if contrast_level is None else contrast_level
        if self.contrast_level not in self.fusion.in_index:
            raise ValueError(
                f'contrast_level {contrast_level} is not fused; fusion.in_index is {tuple(self.fusion.in_index)}'
            )
        self._check_auxiliary_heads()
        if type(getattr(self.decode_head, 'conv_seg', None)) is torch.nn.Conv2d:
            self.decode_head.conv_seg.__class__ = FullPrecisionConv2d
        if channels_last:
            use_channels_last(self)

    def _check_auxiliary_heads(self) -> None:
        heads = getattr(self, 'auxiliary_head', ())
        for head in heads if isinstance(heads, (list, tuple, torch.nn.ModuleList)) else (heads,):
            index = head.in_index if isinstance(head.in_index, (list, tuple)) else (head.in_index,)
            unfused = [i for i in index if i not in self.fusion.in_index]
            if unfused:
                raise ValueError(
                    f'auxiliary_head reads level {unfused}, but only {tuple(self.fusion.in_index)} are '
                    'fused with sound: change in_index of the head or of the fusion'
                )

    def _split(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        if not isinstance(inputs, dict) or not {'img', 'audio'} <= set(inputs):
            raise TypeError(
                'AVEncoderDecoder needs inputs = dict(img=..., audio=...), which PackAVSegInputs and '
                f'AVDataPreProcessor make; got {type(inputs).__name__}'
            )
        return inputs['img'], inputs['audio']

    def loss(self, inputs: dict[str, Tensor], data_samples: list) -> dict[str, Tensor]:
        """Losses of a batch: those of the heads on original pairs, and the contrastive loss.

        Args:
            inputs: ``img`` (B, 3, H, W), normalised, and ``audio`` (B, channels, frames, mels).
            data_samples: With ``gt_sem_seg`` and the meta key ``audio_label``.
        """
        img, log_mel = self._split(inputs)
        visual = self.fusion.encode(self.extract_feat(img))
        audio = self.audio_backbone(log_mel)
        fused = self.fusion.fuse(visual, audio)
        losses = self._decode_head_forward_train(fused, data_samples)
        if self.with_auxiliary_head:
            losses.update(self._auxiliary_head_forward_train(fused, data_samples))
        if self.contrast_loss is not None:
            losses.update(self._contrast(visual, fused[self.contrast_level], audio, data_samples))
        return losses

    def _contrast(self, visual, fused: Tensor, audio: Tensor, data_samples: list) -> dict[str, Tensor]:
        """The contrastive loss of a batch: draw pixels, fuse those of shuffled pairs, compare.

        Args:
            visual: Encoded visual features, the same for both kinds of pairs.
            fused: (B, C, h, w), fused with the original audio.
            audio: The audio embedding of each image.
            data_samples: With ``gt_sem_seg`` and the meta key ``audio_label``.
        """
        label = torch.stack([s.gt_sem_seg.data[0] for s in data_samples])
        draw = self.contrast_loss.draw(resize_label(label, fused.shape[2:]), [s.metainfo for s in data_samples])

        features, labels = gather_pixels(fused, draw.original), draw.original.label
        if len(draw.shuffled.label):
            image, pixel, shuffled_labels = draw.shuffled
            shuffled = self.fusion.fuse_pixels(visual, audio[draw.permutation], self.contrast_level, image, pixel)
            features, labels = torch.cat([features, shuffled.to(features.dtype)]), torch.cat([labels, shuffled_labels])

        losses = {self.contrast_loss.loss_name: self.contrast_loss(features, labels)}
        if self.contrast_loss.positive_share is not None:
            losses.update(_count_pixels(draw))
        return losses

    def predict(self, inputs: dict[str, Tensor], data_samples: list | None = None) -> list:
        """Segments a batch; see ``EncoderDecoder.predict``. ``inputs`` as in :meth:`loss`."""
        img, log_mel = self._split(inputs)
        if data_samples is not None:
            metas = [s.metainfo for s in data_samples]
        else:
            size = tuple(img.shape[2:])
            metas = [dict(ori_shape=size, img_shape=size, pad_shape=size, padding_size=[0] * 4) for _ in img]
        # The embedding rides with the meta information, so that mmseg's own whole and slide inference serve here.
        for meta, embedding in zip(metas, self.audio_backbone(log_mel), strict=True):
            meta[_AUDIO_KEY] = embedding
        return self.postprocess_result(self.inference(img, metas), data_samples)

    def slide_inference(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits (B, classes, H, W), averaged where windows overlap; each window hears the sound of its whole image."""
        if getattr(self.fusion, 'positions', None) is not None:
            # mmseg does not say which window it cuts out: the pixels bring their places along.
            batch_img_metas = [{**meta, _SIZE_KEY: inputs.shape[2:]} for meta in batch_img_metas]
            inputs = add_places(inputs)
        return super().slide_inference(inputs, batch_img_metas)

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits (B, classes, H, W) of images, or windows of them, whose sound is in their meta information."""
        audio = torch.stack([meta[_AUDIO_KEY] for meta in batch_img_metas])
        place = {}
        if _SIZE_KEY in batch_img_metas[0]:
            inputs, place['window'] = split_places(inputs, batch_img_metas[0][_SIZE_KEY])
        fused = self.fusion(self.extract_feat(inputs), audio, **place)
        return self.decode_head.predict(fused, batch_img_metas, self.test_cfg)

    def _forward(self, inputs: dict[str, Tensor], data_samples: list | None = None) -> Tensor:
        """The decode head's output, without post-processing."""
        img, log_mel = self._split(inputs)
        return self.decode_head(self.fusion(self.extract_feat(img), self.audio_backbone(log_mel)))


def _count_pixels(draw: Draw) -> dict[str, Tensor]:
    """Numbers of drawn pixels, for the log."""
    label = draw.original.label
    foreground = (label > 0).sum().float()
    return {
        'contrast.foreground': foreground,
        'contrast.background': len(label) - foreground,
        'contrast.shuffled': torch.full_like(foreground, len(draw.shuffled.label)),
    }

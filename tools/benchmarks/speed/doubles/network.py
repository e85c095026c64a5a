"""CAVP with every step written out: fusion, training and prediction."""

from collections.abc import Sequence

import torch
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor

from mmavs.models.fusion import CrossAttention, CrossAttentionFusion
from mmavs.models.fusion.tokens import to_map, to_tokens
from mmavs.models.segmentors import AVEncoderDecoder

from .loss import dense_cavp_loss


@MODELS.register_module()
class PlainFusion(CrossAttentionFusion):
    """:class:`CrossAttentionFusion` with queries, keys and values of every pixel, and attention in both directions.

    What the sound finds in the image is computed and read by nobody.
    """

    def forward(self, features: Sequence[Tensor], audio: Tensor) -> tuple[Tensor, ...]:
        levels = list(features)
        for i, projector, attention in zip(self.in_index, self.projectors, self.attentions, strict=True):
            visual = attention.visual_embed(projector(to_tokens(features[i])))
            sound = attention.audio_embed(audio.unsqueeze(1))
            visual, sound = attention.norm1(visual), attention.norm1(sound)
            fused = _attend(attention, visual, sound)
            _attend(attention, sound, visual)
            levels[i] = to_map(fused, like=features[i])
        return tuple(levels)


def _attend(layer: CrossAttention, asking: Tensor, asked: Tensor) -> Tensor:
    """asking (B, N, C) and asked (B, M, C) -> (B, N, C)."""
    query, key, value = (
        linear(x).unflatten(2, (layer.num_heads, -1)).transpose(1, 2)  # (B, heads, N or M, C / heads)
        for linear, x in ((layer.query, asking), (layer.key, asked), (layer.value, asked))
    )
    weights = (query @ key.transpose(2, 3) * query.shape[-1] ** -0.5).sigmoid()
    answer = (weights @ value).transpose(1, 2).flatten(2)
    x = asking + layer.proj(answer)
    x = x + layer.mlp(layer.norm2(x))
    return layer.norm(x)


@MODELS.register_module()
class PlainAVEncoderDecoder(AVEncoderDecoder):
    """:class:`AVEncoderDecoder` that fuses and classifies all pixels with own and with swapped sound in training.

    The logits of swapped sound have no part in the loss, but for a factor of 0.
    """

    def loss(self, inputs: dict[str, Tensor], data_samples: list) -> dict[str, Tensor]:
        img, log_mel = self._split(inputs)
        (visual,) = self.extract_feat(img)
        audio = self.audio_backbone(log_mel)
        permutation = torch.randperm(len(img))
        fused = self.fusion([torch.cat([visual, visual])], torch.cat([audio, audio[permutation]]))
        own_logits, swapped_logits = self.decode_head(fused).chunk(2)
        losses = add_prefix(self.decode_head.loss_by_feat(own_logits, data_samples), 'decode')
        losses['loss_swapped'] = 0 * swapped_logits.sum()
        own, swapped = fused[0].chunk(2)
        losses[self.contrast_loss.loss_name] = dense_cavp_loss(
            own,
            swapped,
            torch.stack([s.gt_sem_seg.data[0] for s in data_samples]),
            [s.metainfo['audio_label'] for s in data_samples],
            permutation,
            views=self.contrast_loss.max_views,
            temperature=self.contrast_loss.temperature,
        )
        return losses

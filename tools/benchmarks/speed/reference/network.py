"""Reference implementation of CAVP: fusion, training and prediction."""

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
    """:class:`CrossAttentionFusion` with queries, keys and values for every pixel and attention in both directions.

    The attention of audio queries over visual keys is computed but not used.
    """

    def encode(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(features)

    def fuse(self, visual: Sequence[Tensor], audio: Tensor) -> tuple[Tensor, ...]:
        levels = list(visual)
        for i, projector, attention in zip(self.in_index, self.projectors, self.attentions, strict=True):
            image_tokens = attention.norm1(attention.visual_embed(projector(to_tokens(visual[i]))))
            audio_tokens = attention.norm1(attention.audio_embed(audio.unsqueeze(1)))
            fused = _attend(attention, image_tokens, audio_tokens)
            _attend(attention, audio_tokens, image_tokens)
            levels[i] = to_map(fused, like=visual[i])
        return tuple(levels)

    def forward(self, features: Sequence[Tensor], audio: Tensor) -> tuple[Tensor, ...]:
        return self.fuse(self.encode(features), audio)


def _attend(layer: CrossAttention, target: Tensor, source: Tensor) -> Tensor:
    """Queries from target (B, N, C), keys and values from source (B, M, C) -> (B, N, C)."""
    query, key, value = (
        linear(x).unflatten(2, (layer.num_heads, -1)).transpose(1, 2)  # (B, heads, N or M, C / heads)
        for linear, x in ((layer.query, target), (layer.key, source), (layer.value, source))
    )
    weights = (query @ key.transpose(2, 3) * query.shape[-1] ** -0.5).sigmoid()
    attended = (weights @ value).transpose(1, 2).flatten(2)
    x = target + layer.proj(attended)
    x = x + layer.mlp(layer.norm2(x))
    return layer.norm(x)


@MODELS.register_module()
class PlainAVEncoderDecoder(AVEncoderDecoder):
    """:class:`AVEncoderDecoder` that fuses and classifies all pixels of original and shuffled pairs in training.

    The logits of shuffled pairs enter the loss with a factor of 0.
    """

    def loss(self, inputs: dict[str, Tensor], data_samples: list) -> dict[str, Tensor]:
        (visual,) = self.extract_feat(inputs['img'])
        audio = self.audio_backbone(inputs['audio'])
        permutation = torch.randperm(len(visual))
        fused = self.fusion([torch.cat([visual, visual])], torch.cat([audio, audio[permutation]]))
        original_logits, shuffled_logits = self.decode_head(fused).chunk(2)
        losses = add_prefix(self.decode_head.loss_by_feat(original_logits, data_samples), 'decode')
        losses['loss_shuffled'] = 0 * shuffled_logits.sum()
        original, shuffled = fused[0].chunk(2)
        losses[self.contrast_loss.loss_name] = dense_cavp_loss(
            original,
            shuffled,
            torch.stack([s.gt_sem_seg.data[0] for s in data_samples]),
            [s.metainfo['audio_label'] for s in data_samples],
            permutation,
            views=self.contrast_loss.max_views,
            temperature=self.contrast_loss.temperature,
        )
        return losses

"""f_CA in fewer operations, for few audio tokens and many pixels.

The queries are multiplied by the keys of only a few audio tokens, and the values by the output projection. Therefore
the keys are multiplied into the query weights, and the values into the projection weights, once for each sample:

    q k^T = (visual W_q^T) k^T = visual (k W_q)^T
    proj(weights v) = weights (v W_proj^T) + bias

Each pixel then needs H * T products of length C instead of two products with C x C matrices.

Naming as in :mod:`mmavs.models.fusion.cross_attention`.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .attention_activations import ACTIVATIONS
from .cross_attention import CrossAttention


class FoldedAudio(NamedTuple):
    """Audio tokens, multiplied into the weights of query and projection.

    Attributes:
        key: (B, T * H, C), keys times query weights, scaled by 1 / sqrt(D).
        value: (B, T * H, C), values times projection weights; None for ``channel``, whose values are visual.
    """

    key: Tensor
    value: Tensor | None


class FoldedCrossAttention(CrossAttention):
    """Equals :class:`CrossAttention`, with a separate method for the part that depends only on the image.

    Arguments and parameters are those of :class:`CrossAttention`.
    """

    def encode(self, visual: Tensor) -> Tensor:
        """The part that depends only on the image: visual (B, N, C) -> (B, N, C)."""
        return self.norm1(self.visual_embed(visual))

    def fold(self, audio: Tensor) -> FoldedAudio:
        """Prepares audio tokens (B, T, audio_channels) for :meth:`attend`."""
        audio = self.norm1(self.audio_embed(audio))
        query_weights = self.query.weight.unflatten(0, (self.num_heads, -1))  # (H, D, C)
        key = torch.einsum('bhtd,hdc->bthc', self.split_heads(self.key(audio)), query_weights)
        key = key.flatten(1, 2) * (audio.shape[-1] // self.num_heads) ** -0.5
        if self.activation == 'channel':
            return FoldedAudio(key, None)
        proj_weights = self.proj.weight.unflatten(1, (self.num_heads, -1))  # (C, H, D)
        value = torch.einsum('bhtd,chd->bthc', self.split_heads(self.value(audio)), proj_weights)
        return FoldedAudio(key, value.flatten(1, 2))

    def attention(self, encoded: Tensor, folded: FoldedAudio) -> Tensor:
        """The attention weights (B, H, N, T)."""
        products = encoded @ folded.key.transpose(1, 2)  # (B, N, T * H)
        products = products.unflatten(-1, (-1, self.num_heads)).permute(0, 3, 1, 2)
        return ACTIVATIONS[self.activation](products)

    def attend(self, encoded: Tensor, folded: FoldedAudio) -> Tensor:
        """Fuses an encoded visual feature (B, N, C) with folded audio: (B, N, C)."""
        weights = self.attention(encoded, folded)
        if self.activation == 'channel':
            x = encoded + encoded * self._channel_weights(encoded, weights)
        else:
            weights = weights.permute(0, 2, 3, 1).flatten(2)  # (B, N, T * H)
            x = encoded + torch.baddbmm(self.proj.bias, weights, folded.value)
        return self.transform(x)

    def _channel_weights(self, encoded: Tensor, weights: Tensor) -> Tensor:
        """Weights in [0, 1] of the channels (B, 1, C). The value projection is applied after the sum over pixels."""
        found = (weights.transpose(2, 3) @ encoded.unsqueeze(1)).mean(dim=2)  # (B, H, C)
        value_weights = self.value.weight.unflatten(0, (self.num_heads, -1))  # (H, D, C)
        value = torch.einsum('bhc,hdc->bhd', found, value_weights)
        return self.proj(value.flatten(1)).sigmoid().unsqueeze(1)

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """visual (B, N, C), audio (B, T, audio_channels) -> fused (B, N, C)."""
        return self.attend(self.encode(visual), self.fold(audio))

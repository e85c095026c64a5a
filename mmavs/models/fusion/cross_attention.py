"""Cross-attention in which each pixel asks the sound: f_CA of Sec. 4.1.

Naming: B images, N pixels, T audio tokens, H heads, C channels, D = C / H.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

ACTIVATIONS = ('sigmoid', 'softmax', 'minmax', 'channel')


class FoldedAudio(NamedTuple):
    """An audio embedding, multiplied into the weights that would otherwise meet every pixel.

    The query of a pixel only ever meets the keys of a few audio tokens, and the values only meet the output
    projection. So the keys are taken through the query's weights and the values through the projection's, once a
    sample: what is left for a pixel are H * T products of length C instead of two C x C matrices.

    Attributes:
        key: (B, T * H, C), key . query weights, scaled.
        value: (B, T * H, C), projection weights . value; for ``channel`` see :meth:`CrossAttention.attend`.
    """

    key: Tensor
    value: Tensor | None


class CrossAttention(nn.Module):
    """Multi-head attention with visual queries and audio keys and values, a residual MLP and LayerNorms.

    Args:
        channels: C of the visual feature and of the output.
        audio_channels: Channels of the audio tokens.
        num_heads: H.
        mlp_ratio: Hidden channels of the MLP, in multiples of C.
        activation: What turns the products into weights: ``sigmoid`` (the paper's), ``softmax`` over the audio tokens
            (constant with a single one), ``minmax`` over the pixels of an image, or ``channel``, in which the sound
            asks the image and the answer weighs the channels of the visual feature.
    """

    def __init__(
        self,
        channels: int,
        audio_channels: int,
        *,
        num_heads: int = 4,
        mlp_ratio: float = 4.0,
        activation: str = 'sigmoid',
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f'activation must be one of {", ".join(ACTIVATIONS)}, got {activation!r}')
        if channels % num_heads:
            raise ValueError(f'{channels} channels cannot be dealt out to num_heads={num_heads}')
        self.num_heads = num_heads
        self.activation = activation
        self.visual_embed = nn.Linear(channels, channels)
        self.audio_embed = nn.Linear(audio_channels, channels)
        self.norm1 = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.proj = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        hidden = int(channels * mlp_ratio)
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, channels))
        self.norm = nn.LayerNorm(channels)
        self.apply(_init_linear)

    @property
    def pointwise(self) -> bool:
        """Whether a pixel's output depends on that pixel alone, so that single pixels can be fused."""
        return self.activation in ('sigmoid', 'softmax')

    def encode(self, visual: Tensor) -> Tensor:
        """What does not depend on the sound: visual (B, N, C) -> (B, N, C)."""
        return self.norm1(self.visual_embed(visual))

    def fold(self, audio: Tensor) -> FoldedAudio:
        """Prepares audio tokens (B, T, audio_channels) for :meth:`attend`."""
        audio = self.norm1(self.audio_embed(audio))
        scale = (audio.shape[-1] // self.num_heads) ** -0.5
        heads = dict(sizes=(self.num_heads, -1))
        key = (
            torch.einsum(
                'bthd,hdc->bthc', self.key(audio).unflatten(-1, **heads), self.query.weight.unflatten(0, **heads)
            )
            * scale
        )
        if self.activation == 'channel':
            return FoldedAudio(key.flatten(1, 2), None)
        value = torch.einsum(
            'bthd,chd->bthc', self.value(audio).unflatten(-1, **heads), self.proj.weight.unflatten(1, **heads)
        )
        return FoldedAudio(key.flatten(1, 2), value.flatten(1, 2))

    def attention(self, encoded: Tensor, folded: FoldedAudio) -> Tensor:
        """The attention weights, (B, N, T * H)."""
        product = encoded @ folded.key.transpose(1, 2)
        if self.activation == 'sigmoid':
            return product.sigmoid()
        if self.activation == 'softmax':
            return product.unflatten(-1, (-1, self.num_heads)).softmax(dim=2).flatten(2)
        if self.activation == 'channel':
            return product.softmax(dim=1)
        low, high = product.amin(dim=1, keepdim=True), product.amax(dim=1, keepdim=True)
        return (product - low) / (high - low).clamp_min(1e-6)

    def attend(self, encoded: Tensor, folded: FoldedAudio) -> Tensor:
        """Fuses: encoded visual feature (B, N, C) and folded audio -> (B, N, C)."""
        attention = self.attention(encoded, folded)
        if self.activation == 'channel':
            x = encoded + encoded * self._channel_gate(encoded, attention)
        else:
            x = encoded + torch.baddbmm(self.proj.bias, attention, folded.value)
        x = x + self.mlp(self.norm2(x))
        return self.norm(x)

    def _channel_gate(self, encoded: Tensor, attention: Tensor) -> Tensor:
        """What each head of the sound finds in the image, as a weight in [0, 1] for each channel: (B, 1, C)."""
        found = attention.transpose(1, 2) @ encoded
        found = found.unflatten(1, (-1, self.num_heads)).mean(dim=1)
        value = torch.einsum('bhc,hdc->bhd', found, self.value.weight.unflatten(0, (self.num_heads, -1)))
        return self.proj(value.flatten(1)).sigmoid().unsqueeze(1)

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """visual (B, N, C), audio (B, T, audio_channels) -> fused (B, N, C)."""
        return self.attend(self.encode(visual), self.fold(audio))


class Projector(nn.Sequential):
    """Two-layer MLP on each pixel, before the cross-attention."""

    def __init__(self, channels: int, hidden_channels: int) -> None:
        super().__init__(nn.Linear(channels, hidden_channels), nn.GELU(), nn.Linear(hidden_channels, channels))
        self.apply(_init_linear)


def _init_linear(module: nn.Module) -> None:
    """The usual initialisation of transformers."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def to_tokens(feature: Tensor) -> Tensor:
    """(B, C, h, w) -> (B, h * w, C)."""
    return feature.flatten(2).transpose(1, 2)


def to_map(tokens: Tensor, like: Tensor) -> Tensor:
    """(B, h * w, C) -> (B, C, h, w), of the size and with the memory format of ``like``."""
    feature = tokens.transpose(1, 2).unflatten(2, tuple(like.shape[2:]))  # channels last
    if like.is_contiguous(memory_format=torch.channels_last):
        return feature.contiguous(memory_format=torch.channels_last)
    return feature.contiguous()  # some heads of mmseg call `view` on it

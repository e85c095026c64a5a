"""The transformer of AVSegFormer (Gao et al., AVSegFormer: Audio-Visual Segmentation with Transformer, AAAI 2024)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from .deformable_encoder import DeformableEncoder
from .query_decoder import QueryDecoder
from .tpavi import check_audio


class EncodedImage(NamedTuple):
    """The part of AVSegFormer's features that does not depend on the audio.

    Attributes:
        memory: (B, N, C), the pixels of all encoded levels.
        mask_feature: (B, C, h, w), at the size of the finest level.
    """

    memory: Tensor
    mask_feature: Tensor


class ChannelMixer(nn.Module):
    """The audio-visual mixer: the audio attends to all pixels, and the result weights the channels.

    Args:
        channels: C of the feature and of the audio.
        num_heads: Attention heads H.
    """

    def __init__(self, channels: int, num_heads: int = 8) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(channels, channels, bias=False)
        self.key_value = nn.Linear(channels, 2 * channels, bias=False)
        self.proj = nn.Linear(channels, channels)

    def forward(self, feature: Tensor, audio: Tensor) -> Tensor:
        """feature (B, C, h, w) and audio (B, C) -> (B, C, h, w)."""
        q, k, v = self._project(feature, audio)
        found = F.scaled_dot_product_attention(q, k, v)  # (B, H, 1, D)
        return feature * self.proj(found.flatten(1)).sigmoid()[:, :, None, None]

    def attention(self, feature: Tensor, audio: Tensor) -> Tensor:
        """The attention weights of the audio over the pixels, which sum to 1: (B, H, h, w)."""
        q, k, _ = self._project(feature, audio)
        weights = (q @ k.transpose(2, 3) / q.shape[-1] ** 0.5).softmax(dim=-1)  # (B, H, 1, N)
        return weights.squeeze(2).unflatten(2, tuple(feature.shape[2:]))

    def _project(self, feature: Tensor, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query (B, H, 1, D) of the audio, keys and values (B, H, N, D) of the pixels."""
        pixels = feature.flatten(2).transpose(1, 2)  # (B, N, C)
        q, (k, v) = self.query(audio[:, None]), self.key_value(pixels).chunk(2, dim=2)
        return tuple(x.unflatten(2, (self.num_heads, -1)).transpose(1, 2) for x in (q, k, v))


@MODELS.register_module()
class AVSegFormerFusion(BaseModule):
    """AVSegFormer between backbone and classifier: encoder, query generator, decoder and mixer.

    Each image is fused with its own audio; the frames of a clip are independent of each other.

    Args:
        in_channels: Channels of the backbone's levels, from the finest.
        channels: C of the transformer.
        audio_channels: Channels of the audio embedding.
        num_queries: Number of queries Q.
        num_layers: Layers of encoder, query generator and decoder.
        num_heads: Attention heads.
        num_points: Sampling points of the deformable attention.
        ffn_channels: Hidden channels of the MLPs of encoder and decoder; those of the query generator have half as
            many.
        dropout: Dropout of encoder and decoder; the query generator has none.
        num_groups: Groups of the GroupNorms.
        init_cfg: As in mmengine.

    Shape:
        - Input: levels (B, in_channels[i], h_i, w_i) and audio (B, audio_channels)
        - Output: the mask feature (B, C, h_0, w_0) after the mixer, and its products with the queries (B, Q, h_0, w_0)

    Raises:
        ValueError: The audio embedding has another number of channels.
    """

    in_index = (0, 1)
    """Indices of the fused outputs: both are."""

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 512, 1024, 2048),
        channels: int = 256,
        *,
        audio_channels: int = 128,
        num_queries: int = 300,
        num_layers: int = 6,
        num_heads: int = 8,
        num_points: int = 4,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
        num_groups: int = 32,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        norm = dict(norm_cfg=dict(type='GN', num_groups=num_groups), act_cfg=None, bias=True)
        self.audio_channels = audio_channels
        self.audio_proj = nn.Linear(audio_channels, channels)
        self.in_projs = nn.ModuleList(ConvModule(c, channels, 1, **norm) for c in in_channels)
        self.encoder = DeformableEncoder(
            channels,
            len(in_channels) - 1,
            num_layers=num_layers,
            num_heads=num_heads,
            num_points=num_points,
            ffn_channels=ffn_channels,
            dropout=dropout,
        )
        self.lateral_conv = ConvModule(channels, channels, 1, **norm)
        self.out_conv = ConvModule(channels, channels, 3, padding=1, **{**norm, 'act_cfg': dict(type='ReLU')})
        self.audio_queries = nn.Embedding(num_queries, channels)
        self.query_generator = QueryDecoder(
            channels,
            num_layers=num_layers,
            num_heads=num_heads,
            ffn_channels=ffn_channels // 2,
            dropout=0.0,
            bias=False,
        )
        self.queries = nn.Embedding(num_queries, channels)
        self.decoder = QueryDecoder(
            channels, num_layers=num_layers, num_heads=num_heads, ffn_channels=ffn_channels, dropout=dropout
        )
        self.mixer = ChannelMixer(channels, num_heads)

    def encode(self, features: Sequence[Tensor]) -> EncodedImage:
        """The part that does not depend on the audio: encoder and mask feature."""
        finest, *levels = [proj(x) for proj, x in zip(self.in_projs, features, strict=True)]
        encoded = self.encoder(levels)
        upsampled = F.interpolate(encoded[0], size=finest.shape[2:], mode='bilinear', align_corners=False)
        mask_feature = self.out_conv(self.lateral_conv(finest) + upsampled)
        return EncodedImage(torch.cat([x.flatten(2) for x in encoded], dim=2).transpose(1, 2), mask_feature)

    def fuse(self, visual: EncodedImage, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Encoded image and audio (B, audio_channels) -> mask feature and products with the queries."""
        check_audio(audio, self.audio_channels)
        audio = self.audio_proj(audio)  # (B, C)
        queries = self.audio_queries.weight.expand(len(audio), -1, -1)  # (B, Q, C)
        queries = self.query_generator(queries, audio[:, None]) + self.queries.weight
        queries = self.decoder(queries, visual.memory)
        mask_feature = self.mixer(visual.mask_feature, audio)
        return mask_feature, torch.einsum('bqc,bchw->bqhw', queries, mask_feature)

    def attention_maps(self, visual: EncodedImage, audio: Tensor) -> dict[int, Tensor]:
        """The attention weights of the mixer, from the audio to the pixels of the mask feature.

        Returns:
            dict: 0, the index of the mask feature -> (B, heads, h_0, w_0), which sum to 1 over the pixels.
        """
        check_audio(audio, self.audio_channels)
        return {0: self.mixer.attention(visual.mask_feature, self.audio_proj(audio))}

    def forward(self, features: Sequence[Tensor], audio: Tensor) -> tuple[Tensor, Tensor]:
        """Fuses the audio into the features; see :meth:`fuse`."""
        return self.fuse(self.encode(features), audio)

"""Attention maps of any model with a fusion: the effect of the audio at each pixel."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .fusion.levels import get_map

SILENCE = -1.0
"""Value of a log-mel spectrogram without sound."""


class AttentionMaps(NamedTuple):
    """The maps of one fused level.

    Attributes:
        level: Index of the level.
        heads: (B, heads, h, w), without the padding of the images.
        is_attention: True for attention weights, False for the change of the features by the audio.
    """

    level: int
    heads: Tensor
    is_attention: bool


@torch.no_grad()
def attention_maps(
    model: nn.Module, inputs: dict[str, Tensor], data_samples: list | None = None
) -> list[AttentionMaps]:
    """The attention maps of a batch, one entry for each fused level.

    A fusion of mmavs has attention weights for each of its heads. For a fusion without ``attention_maps``, the
    value of a pixel is the L2 norm of the difference between the features fused with the audio and with silence.

    Args:
        model: An :class:`AVEncoderDecoder`.
        inputs: Inputs of the model: ``img`` (B, 3, H, W), normalized, and ``audio`` (B, channels, frames, mels).
        data_samples: With ``img_shape``, the size of an image without padding. Temporal models need complete
            clips.
    """
    visual = model.encode_visual(inputs['img'], data_samples)
    prompts = model.encode_prompts(inputs, data_samples)
    is_attention = hasattr(model.fusion, 'attention_maps')
    if is_attention:
        maps = model.fusion.attention_maps(visual, **prompts)
    else:
        silent = model.encode_prompts({**inputs, 'audio': torch.full_like(inputs['audio'], SILENCE)}, data_samples)
        maps = _effect(model.fusion, visual, prompts, silent)
    rows, columns = _unpadded_share(inputs['img'], data_samples)
    return [
        AttentionMaps(
            level,
            heads[..., : max(1, round(rows * heads.shape[2])), : max(1, round(columns * heads.shape[3]))],
            is_attention,
        )
        for level, heads in maps.items()
    ]


def _effect(fusion: nn.Module, visual, prompts: dict, silent: dict) -> dict[int, Tensor]:
    with_audio, without = fusion.fuse(visual, **prompts), fusion.fuse(visual, **silent)
    return {
        index: torch.linalg.vector_norm(get_map(with_audio[index]) - get_map(without[index]), dim=1, keepdim=True)
        for index in fusion.in_index
    }


def _unpadded_share(images: Tensor, data_samples: list | None) -> tuple[float, float]:
    """Height and width of the images without padding on the right and below, in fractions of the network input."""
    if data_samples is None:
        return 1.0, 1.0
    height, width = data_samples[0].metainfo.get('img_shape', images.shape[2:])[:2]
    return min(1.0, height / images.shape[2]), min(1.0, width / images.shape[3])

"""TPAVI: temporal pixel-wise audio-visual interaction (Zhou et al., Audio-Visual Segmentation, ECCV 2022, Eq. 2, 3).

Naming: B clips, T frames of a clip, N pixels of a frame, C channels, D channels of the embeddings.
"""

from collections.abc import Sequence

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule, constant_init
from mmseg.registry import MODELS
from torch import Tensor, nn

from .clips import to_clips
from .levels import Level, get_map, replace_map


def interact(theta: Tensor, phi: Tensor, g: Tensor) -> Tensor:
    """``theta phi^T g / (T N)``: each pixel of a clip attends to the audio of all pixels of all frames.

    ``phi`` comes from the audio and is equal for all pixels of a frame. Therefore ``g`` is averaged over the pixels of
    each frame, and the product is evaluated from the right. This avoids the (T N) x (T N) matrix ``theta phi^T``, and
    the cost is linear in T N.

    Args:
        theta: (B, T, D, h, w), of the visual features.
        phi: (B, T, D), of the audio.
        g: (B, T, D, h, w), of the visual features.

    Returns:
        Tensor: (B, T, D, h, w).
    """
    summary = torch.einsum('btd,bte->bde', phi, g.mean(dim=(3, 4))) / phi.shape[1]  # (B, D, D)
    return torch.einsum('btdhw,bde->btehw', theta, summary)


def interact_reference(theta: Tensor, phi: Tensor, g: Tensor) -> Tensor:
    """:func:`interact` as in the paper, with the (T N) x (T N) matrix; for tests and benchmarks."""
    size = theta.shape
    theta, g = (x.transpose(2, 3).transpose(3, 4).flatten(1, 3) for x in (theta, g))  # (B, T N, D)
    phi = phi.repeat_interleave(size[3] * size[4], dim=1)  # (B, T N, D)
    found = theta @ phi.transpose(1, 2) / phi.shape[1] @ g
    return found.unflatten(1, (size[1], size[3], size[4])).movedim(4, 2)


class TPAVIBlock(BaseModule):
    """The audio-visual block of one stage.

    Args:
        channels: C of the visual features.
        audio_channels: Channels of the audio embedding.
        embed_channels: D; half of C by default.
        norm_cfg: Normalisation layer after the interaction. Its weight and bias are initialized with 0, so that the
            block begins as the identity, up to the LayerNorm.
    """

    def __init__(
        self,
        channels: int,
        audio_channels: int,
        *,
        embed_channels: int | None = None,
        norm_cfg: dict | None = None,
    ) -> None:
        super().__init__()
        embed_channels = embed_channels or channels // 2
        self.align_audio = nn.Linear(audio_channels, channels)
        self.theta = nn.Conv2d(channels, embed_channels, 1)
        self.phi = nn.Linear(channels, embed_channels)
        self.g = nn.Conv2d(channels, embed_channels, 1)
        self.out_conv = nn.Conv2d(embed_channels, channels, 1)
        self.out_norm = build_norm_layer(norm_cfg or dict(type='BN'), channels)[1]
        self.norm = nn.LayerNorm(channels)
        constant_init(self.out_norm, 0, 0)

    def forward(self, visual: Tensor, audio: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Fuses the audio of complete clips into their visual features.

        Args:
            visual: (B * T, C, h, w).
            audio: (B * T, audio_channels).
            frames: T.

        Returns:
            tuple: The fused features (B * T, C, h, w), and the aligned audio (B * T, C) for the matching loss.
        """
        audio = self.align_audio(audio)
        theta, phi, g = (to_clips(x, frames) for x in (self.theta(visual), self.phi(audio), self.g(visual)))
        found = self.out_norm(self.out_conv(interact(theta, phi, g).flatten(0, 1)))
        fused = self.norm((visual + found).movedim(1, 3)).movedim(3, 1)
        return fused.contiguous(), audio


@MODELS.register_module()
class TPAVIFusion(BaseModule):
    """Fuses the audio of complete clips into visual features by a :class:`TPAVIBlock` at each of several levels.

    A fused level is a list of the map and the audio in the channels of the level, which the matching loss of
    :class:`TPAVIHead` reads.

    Args:
        in_channels: Channels of each fused level.
        in_index: Indices of the levels that are fused; the others pass through. None for all.
        audio_channels: Channels of the audio embedding.
        embed_channels: See :class:`TPAVIBlock`.
        norm_cfg: See :class:`TPAVIBlock`.
        keep_audio: Returns each fused level as a list of the map and the audio. Set it to False for heads of mmseg,
            which take only maps.
        temporal: Fuses all frames of a clip together, which needs complete clips. False treats each frame as a clip, so
            that the data loader may sample single frames.
        init_cfg: As in mmengine.

    Shape:
        - Input: levels (B, C_l, h_l, w_l), and audio (B, audio_channels), of the frames of complete clips
        - Output: levels, the fused ones [(B, C_l, h_l, w_l), (B, C_l)]

    Raises:
        ValueError: Options, levels or the audio embedding do not fit together.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 256, 256, 256),
        in_index: Sequence[int] | None = None,
        *,
        audio_channels: int = 128,
        embed_channels: int | None = None,
        norm_cfg: dict | None = None,
        keep_audio: bool = True,
        temporal: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_index = tuple(range(len(in_channels)) if in_index is None else in_index)
        if len(self.in_index) != len(in_channels):
            raise ValueError(f'fusion: in_channels {in_channels} and in_index {self.in_index} differ in number')
        self.audio_channels = audio_channels
        self.keep_audio = keep_audio
        self.needs_frames = temporal  # AVEncoderDecoder then passes the number of frames of a clip
        self.blocks = nn.ModuleList(
            TPAVIBlock(c, audio_channels, embed_channels=embed_channels, norm_cfg=norm_cfg) for c in in_channels
        )

    def encode(self, features: Sequence[Level]) -> tuple[Level, ...]:
        """The part that does not depend on the audio: none."""
        return tuple(features)

    def fuse(self, visual: Sequence[Level], audio: Tensor, frames: int = 1) -> tuple[Level, ...]:
        """Levels, audio (B, audio_channels) and the frames of a clip -> all levels, the chosen ones fused."""
        check_audio(audio, self.audio_channels)
        levels = list(visual)
        for index, block in zip(self.in_index, self.blocks, strict=True):
            fused, aligned = block(get_map(levels[index]), audio, frames)
            levels[index] = [fused, aligned] if self.keep_audio else replace_map(levels[index], fused)
        return tuple(levels)

    def attention_maps(self, visual: Sequence[Level], audio: Tensor, frames: int = 1) -> dict[int, Tensor]:
        """The attention of each pixel to the audio of its clip, at each fused level.

        It is the sum of a row of ``theta phi^T / (T N)``, which is the product of the pixel's ``theta`` and the mean
        of ``phi`` over the frames. It has one head and may be negative. Arguments as in :meth:`fuse`.

        Returns:
            dict: Index of the level -> (B, 1, h, w).
        """
        check_audio(audio, self.audio_channels)
        maps = {}
        for index, block in zip(self.in_index, self.blocks, strict=True):
            theta = to_clips(block.theta(get_map(visual[index])), frames)  # (clips, T, D, h, w)
            phi = to_clips(block.phi(block.align_audio(audio)), frames).mean(dim=1)  # (clips, D)
            maps[index] = torch.einsum('btdhw,bd->bthw', theta, phi).flatten(0, 1).unsqueeze(1)
        return maps

    def forward(self, features: Sequence[Level], audio: Tensor, frames: int = 1) -> tuple[Level, ...]:
        """Fuses the audio into features; arguments as in :meth:`fuse`."""
        return self.fuse(self.encode(features), audio, frames)


def check_audio(audio: Tensor, channels: int) -> None:
    """Checks that there is one audio embedding for each image, with the right number of channels.

    Raises:
        ValueError: The number of embeddings or channels differs.
    """
    if audio.ndim != 2 or audio.shape[-1] != channels:
        raise ValueError(
            f'model.fusion takes one audio embedding (B, {channels}) for each image, but model.audio_backbone gives '
            f'{tuple(audio.shape)}: set audio_channels of the fusion and out_channels of the audio backbone to the '
            'same number, and use a backbone without audio tokens'
        )

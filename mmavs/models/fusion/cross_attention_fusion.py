from collections.abc import Sequence
from typing import NamedTuple

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from .folded_cross_attention import FoldedCrossAttention
from .position_encoding import PositionEncoding
from .tokens import Projector, to_map, to_tokens
from .window import WHOLE, Window


class EncodedVisual(NamedTuple):
    """Visual features, ready to be fused with any sound.

    Attributes:
        features: All levels, as they came in.
        tokens: The encoded pixels (B, N, C) of each fused level.
    """

    features: tuple[Tensor, ...]
    tokens: tuple[Tensor, ...]


@MODELS.register_module()
class CrossAttentionFusion(BaseModule):
    """Fuses sound into visual features by cross-attention (Sec. 4.1).

    The work that depends on the image alone (:meth:`encode`) is apart from the work that also depends on the sound
    (:meth:`fuse`, :meth:`fuse_pixels`), so that several sounds share the former.

    Args:
        in_channels: Channels of the fused level, or of each of them.
        in_index: Which of the incoming levels are fused; the others pass through. None for all.
        audio_channels: Channels of the audio embedding.
        num_heads: Attention heads.
        hidden_channels: Hidden channels of the MLP on each pixel before the attention.
        mlp_ratio: Hidden channels of the MLP behind the attention, in multiples of ``in_channels``.
        activation: A name of :data:`ACTIVATIONS`; see :class:`CrossAttention`.
        position_encoding: Adds to each pixel where it is, which the paper's network leaves to the padding of its
            convolutions. Lets a small or briefly trained network use stereo sound. In slide inference it is the place
            in the image, not in the window; see :class:`PositionEncoding`.
        init_cfg: As in mmengine.

    Shape:
        - Input: levels (B, C_l, h_l, w_l), and audio (B, audio_channels) or (B, T, audio_channels)
        - Output: levels of the same shapes
    """

    def __init__(
        self,
        in_channels: int | Sequence[int] = 304,
        in_index: Sequence[int] | None = None,
        *,
        audio_channels: int = 304,
        num_heads: int = 4,
        hidden_channels: int = 256,
        mlp_ratio: float = 4.0,
        activation: str = 'sigmoid',
        position_encoding: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        channels = [in_channels] if isinstance(in_channels, int) else list(in_channels)
        self.in_index = tuple(range(len(channels)) if in_index is None else in_index)
        if len(self.in_index) != len(channels):
            raise ValueError(f'fusion: in_channels {channels} and in_index {self.in_index} differ in number')
        self.projectors = nn.ModuleList(Projector(c, hidden_channels) for c in channels)
        self.attentions = nn.ModuleList(
            FoldedCrossAttention(c, audio_channels, num_heads=num_heads, mlp_ratio=mlp_ratio, activation=activation)
            for c in channels
        )
        self.positions = nn.ModuleList(PositionEncoding(c) for c in channels) if position_encoding else None

    @property
    def pointwise(self) -> bool:
        """Whether single pixels can be fused, see :meth:`fuse_pixels`."""
        return self.attentions[0].pointwise

    def encode(self, features: Sequence[Tensor], window: Window = WHOLE) -> EncodedVisual:
        """Everything that can be done without the sound, for features of a window or of the whole image."""
        tokens = []
        for slot, index in enumerate(self.in_index):
            pixels = self.projectors[slot](to_tokens(features[index]))
            if self.positions is not None:
                pixels = pixels + self.positions[slot](*features[index].shape[2:], window)
            tokens.append(self.attentions[slot].encode(pixels))
        return EncodedVisual(tuple(features), tuple(tokens))

    def fuse(self, visual: EncodedVisual, audio: Tensor) -> tuple[Tensor, ...]:
        """Encoded features and audio (B, D) or (B, T, D) -> all levels, the chosen ones fused."""
        levels: list[Tensor] = list(visual.features)
        for i, tokens, attention in zip(self.in_index, visual.tokens, self.attentions, strict=True):
            fused = attention.attend(tokens, attention.fold(_as_tokens(audio)))
            levels[i] = to_map(fused, like=levels[i])
        return tuple(levels)

    def fuse_pixels(self, visual: EncodedVisual, audio: Tensor, level: int, image: Tensor, pixel: Tensor) -> Tensor:
        """Fuses chosen pixels only; equals picking them from :meth:`fuse`, for a fraction of the work.

        Args:
            visual: Encoded features.
            audio: (B, D) or (B, T, D).
            level: Index of a fused level.
            image: (M,), which image each pixel is in.
            pixel: (M,), its place in the flattened map.

        Returns:
            Tensor: (M, C).
        """
        slot = self.in_index.index(level)
        attention, tokens = self.attentions[slot], visual.tokens[slot]
        folded = attention.fold(_as_tokens(audio))
        if not attention.pointwise:
            return attention.attend(tokens, folded)[image, pixel]
        folded = type(folded)(*(part.index_select(0, image) for part in folded))
        return attention.attend(tokens[image, pixel].unsqueeze(1), folded).squeeze(1)

    def forward(self, features: Sequence[Tensor], audio: Tensor, window: Window = WHOLE) -> tuple[Tensor, ...]:
        """Fuses ``audio`` into ``features`` of a window or of the whole image."""
        return self.fuse(self.encode(features, window), audio)


def _as_tokens(audio: Tensor) -> Tensor:
    """(B, D) -> (B, 1, D)."""
    return audio if audio.ndim == 3 else audio.unsqueeze(1)

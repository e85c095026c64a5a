from collections.abc import Sequence
from typing import NamedTuple

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from .folded_cross_attention import FoldedCrossAttention
from .levels import Level, get_map, replace_map
from .position_encoding import PositionEncoding
from .tokens import Projector, to_map, to_tokens
from .window import WHOLE, Window


class EncodedVisual(NamedTuple):
    """Visual features, ready to be fused with any audio.

    Attributes:
        features: All levels, unchanged.
        tokens: The encoded pixels (B, N, C) of each fused level.
    """

    features: tuple[Level, ...]
    tokens: tuple[Tensor, ...]


@MODELS.register_module()
class CrossAttentionFusion(BaseModule):
    """Fuses an audio embedding into visual features by cross-attention (Sec. 4.1).

    The part that depends only on the image (:meth:`encode`) is separate from the part that also depends on the audio
    (:meth:`fuse`, :meth:`fuse_pixels`), so that it is computed once for original and shuffled audio.

    Args:
        in_channels: Channels of the fused level, or of each of them.
        in_index: Indices of the levels that are fused; the others pass through. None for all.
        audio_channels: Channels of the audio embedding.
        num_heads: Attention heads.
        hidden_channels: Hidden channels of the MLP on each pixel before the attention.
        mlp_ratio: Hidden channels of the MLP after the attention, in multiples of ``in_channels``.
        activation: A name of :data:`ACTIVATIONS`; see :class:`CrossAttention`.
        position_encoding: Adds an encoding of the coordinates of each pixel, see :class:`PositionEncoding`. The paper's
            network has none and gets positions only from the zero padding of its convolutions. A small or briefly
            trained network needs the encoding to use stereo audio.
        coordinates: Reference frame of these coordinates. ``input``: the network input with its padding, which is the
            crop in training and the complete image at test. ``image``: the image from which the network input was
            cropped, without padding; training then needs ``AVRandomCrop``. In slide inference, all crops of an image
            use the coordinates of that image with both options.
        init_cfg: As in mmengine.

    Shape:
        - Input: levels (B, C_l, h_l, w_l), and audio (B, audio_channels) or (B, T, audio_channels)
        - Output: levels of the same shapes
        - A level may also be a list of a map and other tensors, such as the class token of a ViT, which pass through

    Raises:
        ValueError: Options, levels or the audio embedding do not fit together.
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
        coordinates: str = 'input',
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        channels = [in_channels] if isinstance(in_channels, int) else list(in_channels)
        self.in_index = tuple(range(len(channels)) if in_index is None else in_index)
        if len(self.in_index) != len(channels):
            raise ValueError(f'fusion: in_channels {channels} and in_index {self.in_index} differ in number')
        if coordinates not in ('input', 'image'):
            raise ValueError(f"model.fusion.coordinates must be 'input' or 'image', got {coordinates!r}")
        self.in_channels = tuple(channels)
        self.audio_channels = audio_channels
        self.coordinates = coordinates if position_encoding else None
        self.projectors = nn.ModuleList(Projector(c, hidden_channels) for c in channels)
        self.attentions = nn.ModuleList(
            FoldedCrossAttention(c, audio_channels, num_heads=num_heads, mlp_ratio=mlp_ratio, activation=activation)
            for c in channels
        )
        self.positions = nn.ModuleList(PositionEncoding(c) for c in channels) if position_encoding else None

    @property
    def pointwise(self) -> bool:
        """True if single pixels can be fused, see :meth:`fuse_pixels`."""
        return self.attentions[0].pointwise

    def encode(self, features: Sequence[Level], window: Window = WHOLE) -> EncodedVisual:
        """The part that does not depend on the audio, for features of a window or of the complete image."""
        self._check_levels(features)
        tokens = []
        for slot, index in enumerate(self.in_index):
            feature = get_map(features[index])
            pixels = self.projectors[slot](to_tokens(feature))
            if self.positions is not None:
                pixels = pixels + self.positions[slot](*feature.shape[2:], window)
            tokens.append(self.attentions[slot].encode(pixels))
        return EncodedVisual(tuple(features), tuple(tokens))

    def fuse(self, visual: EncodedVisual, audio: Tensor) -> tuple[Level, ...]:
        """Encoded features and audio (B, D) or (B, T, D) -> all levels, the chosen ones fused."""
        audio = self._to_audio_tokens(audio)
        levels: list[Level] = list(visual.features)
        for i, tokens, attention in zip(self.in_index, visual.tokens, self.attentions, strict=True):
            fused = attention.attend(tokens, attention.fold(audio))
            levels[i] = replace_map(levels[i], to_map(fused, like=get_map(levels[i])))
        return tuple(levels)

    def fuse_pixels(self, visual: EncodedVisual, audio: Tensor, level: int, image: Tensor, pixel: Tensor) -> Tensor:
        """Fuses only the given pixels. Equals the output of :meth:`fuse` at these pixels, at a fraction of the cost.

        Args:
            visual: Encoded features.
            audio: (B, D) or (B, T, D).
            level: Index of a fused level.
            image: (M,), index of the image of each pixel.
            pixel: (M,), its index in the flattened map.

        Returns:
            Tensor: (M, C).
        """
        count = len(visual.features)
        slot = [i % count for i in self.in_index].index(level % count)
        attention, tokens = self.attentions[slot], visual.tokens[slot]
        folded = attention.fold(self._to_audio_tokens(audio))
        if not attention.pointwise:
            return attention.attend(tokens, folded)[image, pixel]
        folded = type(folded)(*(part.index_select(0, image) for part in folded))
        return attention.attend(tokens[image, pixel].unsqueeze(1), folded).squeeze(1)

    def attention_maps(self, visual: EncodedVisual, audio: Tensor) -> dict[int, Tensor]:
        """The attention weights of each fused level, in [0, 1].

        Args:
            visual: Encoded features.
            audio: (B, D) or (B, T, D).

        Returns:
            dict: Index of the level -> (B, heads, h, w), the mean over the T audio tokens.
        """
        audio = self._to_audio_tokens(audio)
        maps = {}
        for i, tokens, attention in zip(self.in_index, visual.tokens, self.attentions, strict=True):
            weights = attention.attention(tokens, attention.fold(audio)).mean(dim=3)  # (B, H, N)
            maps[i] = weights.unflatten(2, tuple(get_map(visual.features[i]).shape[2:]))
        return maps

    def forward(
        self, features: Sequence[Level], audio: Tensor, window: Window = WHOLE, **prompts: Tensor
    ) -> tuple[Level, ...]:
        """Fuses the audio into features of a window or of the complete image.

        Args:
            features: All levels.
            audio: (B, D) or (B, T, D).
            window: Position of the features in their image.
            prompts: Further arguments of :meth:`fuse` in a subclass.
        """
        return self.fuse(self.encode(features, window), audio, **prompts)

    def _check_levels(self, features: Sequence[Level]) -> None:
        for channels, index in zip(self.in_channels, self.in_index, strict=True):
            if not -len(features) <= index < len(features):
                raise ValueError(
                    f'model.fusion.in_index {self.in_index} names level {index}, but model.backbone (or model.neck) '
                    f'gives {len(features)} levels'
                )
            found = get_map(features[index]).shape[1]
            if found != channels:
                raise ValueError(
                    f'model.fusion.in_channels is {channels} for level {index}, but model.backbone (or model.neck) '
                    f'gives {found} channels there: set both to the same number'
                )

    def _to_audio_tokens(self, audio: Tensor) -> Tensor:
        """(B, D) or (B, T, D) -> (B, 1, D) or (B, T, D)."""
        if audio.shape[-1] != self.audio_channels:
            raise ValueError(
                f'model.fusion.audio_channels={self.audio_channels}, but model.audio_backbone gives '
                f'{audio.shape[-1]} channels (its out_channels): set both to the same number'
            )
        return audio if audio.ndim == 3 else audio.unsqueeze(1)

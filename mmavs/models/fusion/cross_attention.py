"""Cross-attention with visual queries and audio keys and values: f_CA of Sec. 4.1.

Naming: B images, N pixels, T audio tokens, C channels, H heads, D = C / H channels of a head.
"""

from torch import Tensor, nn

from .attention_activations import ACTIVATIONS, POINTWISE


class CrossAttention(nn.Module):
    """f_CA as an equation: ``u_v + activation(Q K^T / sqrt(D)) V``, then an MLP.

    As in the reference, both streams share the LayerNorm ``norm1``, and the residual is the normalized visual feature.
    :class:`FoldedCrossAttention` computes the same in fewer operations.

    With ``activation='channel'`` the queries come from the audio and the keys and values from the image, as in
    AVSegFormer, and the result weights the channels of the visual feature.

    Args:
        channels: C of the visual feature and of the output.
        audio_channels: Channels of the audio tokens.
        num_heads: H.
        mlp_ratio: Hidden channels of the MLP, in multiples of C.
        activation: A name of :data:`ACTIVATIONS`; ``sigmoid`` is the paper's.

    Raises:
        ValueError: The activation is unknown, or the channels cannot be divided among the heads.
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
            raise ValueError(f'{channels} channels cannot be divided among num_heads={num_heads}')
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
        self.apply(init_linear)

    @property
    def pointwise(self) -> bool:
        """True if the output of a pixel depends only on that pixel, so that single pixels can be fused."""
        return self.activation in POINTWISE

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """visual (B, N, C), audio (B, T, audio_channels) -> fused (B, N, C)."""
        visual = self.norm1(self.visual_embed(visual))  # (B, N, C)
        audio = self.norm1(self.audio_embed(audio))  # (B, T, C)
        q = self.split_heads(self.query(visual))  # (B, H, N, D)
        k = self.split_heads(self.key(audio))  # (B, H, T, D)
        weights = ACTIVATIONS[self.activation](q @ k.transpose(2, 3) / q.shape[-1] ** 0.5)  # (B, H, N, T)
        if self.activation == 'channel':
            v = self.split_heads(self.value(visual))  # (B, H, N, D)
            found = (weights.transpose(2, 3) @ v).mean(dim=2)  # (B, H, D), the mean over audio tokens
            x = visual + visual * self.proj(found.flatten(1)).sigmoid().unsqueeze(1)
        else:
            v = self.split_heads(self.value(audio))  # (B, H, T, D)
            x = visual + self.proj((weights @ v).transpose(1, 2).flatten(2))
        return self.transform(x)

    def transform(self, x: Tensor) -> Tensor:
        """The MLP after the attention, with its residual and the last LayerNorm: (B, N, C) -> (B, N, C)."""
        return self.norm(x + self.mlp(self.norm2(x)))

    def split_heads(self, x: Tensor) -> Tensor:
        """(B, N, C) -> (B, H, N, D)."""
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


def init_linear(module: nn.Module) -> None:
    """Initializes linear layers as in ViT, for ``nn.Module.apply``."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)

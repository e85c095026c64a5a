import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..full_precision import full_precision


@MODELS.register_module()
class AudioResNet(BaseModule):
    """A ResNet on log-mel spectrograms, with the channels of the audio as input planes.

    Args:
        depth: 18, 34, 50, 101 or 152.
        in_channels: 2 for stereo, 1 for mono.
        out_channels: Size of the embedding.
        base_channels: Channels of the first stage; 64 is the standard width.
        num_tokens: Number of audio tokens over time. A token is the maximum over its part of the audio. The paper uses
            one token. The feature map has a time step for every 32 frames: 10 for 3 s.
        init_cfg: As in mmengine.
        kwargs: Other arguments of mmseg's ``ResNet``.

    Shape:
        - Input: (B, in_channels, frames, mels)
        - Output: (B, out_channels), or (B, num_tokens, out_channels) with more than one token, in the order of time

    Raises:
        ValueError: The audio has another number of channels, or is too short for ``num_tokens``.
    """

    kwargs_class = ResNet
    """Takes the keyword arguments that this class does not name."""

    def __init__(
        self,
        depth: int = 18,
        in_channels: int = 2,
        out_channels: int = 304,
        base_channels: int = 64,
        num_tokens: int = 1,
        init_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(init_cfg)
        if num_tokens < 1:
            raise ValueError(f'model.audio_backbone.num_tokens must be at least 1, got {num_tokens}')
        self.in_channels = in_channels
        self.num_tokens = num_tokens
        self.resnet = ResNet(
            depth,
            in_channels=in_channels,
            stem_channels=base_channels,
            base_channels=base_channels,
            strides=(1, 2, 2, 2),
            dilations=(1, 1, 1, 1),
            out_indices=(3,),
            **kwargs,
        )
        self.fc = nn.Linear(self.resnet.feat_dim, out_channels)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Embeds a batch of spectrograms; the embedding is float32."""
        if log_mel.shape[1] != self.in_channels:
            raise ValueError(
                f'model.audio_backbone.in_channels={self.in_channels}, but the audio has {log_mel.shape[1]} channels '
                '(`channels` of LoadAudio in the pipelines, and one more with level_difference=True of '
                'model.data_preprocessor): set both to the same number'
            )
        with full_precision(log_mel):
            (features,) = self.resnet(log_mel)
            steps = features.shape[2]
            if steps < self.num_tokens:
                raise ValueError(
                    f'model.audio_backbone.num_tokens={self.num_tokens}, but {log_mel.shape[2]} frames of audio give '
                    f'{steps} time steps: set num_tokens to {steps} or less, or increase `duration` of LoadAudio'
                )
            if self.num_tokens == 1 and not self.training:  # the same maximum, which ONNX can express for any length
                return self.fc(features.amax(dim=(2, 3)))
            tokens = F.adaptive_max_pool2d(features, (self.num_tokens, 1)).flatten(2).transpose(1, 2)  # (B, T, C)
            return self.fc(tokens if self.num_tokens > 1 else tokens.squeeze(1))

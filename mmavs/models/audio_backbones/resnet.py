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
        init_cfg: As in mmengine.
        kwargs: Those of mmseg's ``ResNet``.

    Shape:
        - Input: (B, in_channels, frames, mels)
        - Output: (B, out_channels)

    Raises:
        ValueError: The audio has another number of channels.
    """

    def __init__(
        self,
        depth: int = 18,
        in_channels: int = 2,
        out_channels: int = 304,
        base_channels: int = 64,
        init_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
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
        """Embeds a batch of spectrograms, in 32 bits."""
        if log_mel.shape[1] != self.in_channels:
            raise ValueError(
                f'model.audio_backbone.in_channels={self.in_channels}, but the audio has {log_mel.shape[1]} channels '
                '(`channels` of LoadAudio in the pipelines): set both to the same number'
            )
        with full_precision(log_mel):
            (features,) = self.resnet(log_mel)
            return self.fc(F.adaptive_max_pool2d(features, 1).flatten(1))
